#!/usr/bin/env bash
# Everything the project needs, on a fresh Debian 12 or a derivative: system packages, the Python environment by its
# locks, the demo's portraits. Run it as often as you like: what is there and right is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv
readonly FACES=build/faces
readonly VPCD=build/vpcd
# The system's own interpreter: an environment on one in somebody's home directory cannot run as the kiosk's user.
readonly PYTHON=${PYTHON:-$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || command -v python3 || true)}

# What runs the terminal and its tests. Qt's wheels bring Qt, not the X11, OpenGL and font libraries under it.
readonly PACKAGES=(
    python3-venv python3-dev gcc libc6-dev
    libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
    libxcb-randr0 libxcb-render-util0 libxcb-shape0 libdbus-1-3 libfontconfig1 libglib2.0-0
    fonts-noto-cjk     # the screen's, the slips' and the certificates' letters
    cups-ipp-utils     # ippeveprinter: the A4 printer of the demo and the tests
    poppler-utils      # pdftotext, pdftoppm: what a certificate really says and looks like
    xvfb xdotool imagemagick  # windows on a machine without a screen, and pictures of them
    # The kiosk's key in a token, for the tests: a token in software, and a TPM in software behind the PKCS#11 module
    # that in the field stands before the machine's own TPM (docs/how-to/keys.md).
    softhsm2 swtpm libtpm2-pkcs11-1
    opensc tpm2-tools  # pkcs11-tool makes a token and sets its PIN; tpm2_dictionarylockout says when a TPM locks
    libpcsclite-dev pkg-config  # pyscard is compiled against it
    pcscd              # smart card readers
    iproute2 util-linux    # a network of its own for the tests' card reader
    libusb-1.0-0 libudev1  # readers on USB, and being told of them
    espeak-ng alsa-utils   # the voice
    nut-server nut-client  # backup power, and a simulated one for the tests
    postgresql         # central's database for fleets; the tests start a private one of their own
)

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

missing_packages() {
    local package status
    for package in "${PACKAGES[@]}"; do
        status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
        [[ $status == ii* ]] || printf '%s\n' "$package"
    done
}

install_packages() {
    command -v dpkg-query >/dev/null || {
        say "This is no Debian: install the equivalents of these by hand: ${PACKAGES[*]}"
        return
    }
    local -a missing as_root=()
    mapfile -t missing < <(missing_packages)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || fail "these packages are missing; as root run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "Installing system packages: ${missing[*]}"
    local -a quiet=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" "${quiet[@]}" apt-get update -qq </dev/null ||
        fail "the package lists could not be fetched: is there a network, and a source in /etc/apt?"
    "${as_root[@]}" "${quiet[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
        fail "apt-get could not install: ${missing[*]}"
}

# A hash over everything the environment is made from.
environment_inputs() {
    { sha256sum packaging/setup.sh packaging/locks/all.txt packaging/locks/no-deps.txt pyproject.toml
      "$PYTHON" -V; pwd; } | sha256sum | cut -d' ' -f1
}

make_environment() {
    [[ -n $PYTHON ]] || fail "no python3 found: install python3-venv"
    "$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' ||
        fail "Python 3.11 or 3.12 is needed, $PYTHON is $("$PYTHON" -V 2>&1); name another with PYTHON=..."
    local stamp=$VENV/tongban.stamp inputs
    inputs=$(environment_inputs)
    [[ -x $VENV/bin/python && -f $stamp && $(<"$stamp") == "$inputs" ]] && return 0
    say "Making the Python environment in $VENV (first time: some minutes, 1.3 GB)"
    [[ -x $VENV/bin/python ]] || "$PYTHON" -m venv --clear "$VENV"
    local -a pip=("$VENV/bin/python" -m pip --disable-pip-version-check -qq install)
    local help="the packages could not be installed: is there a network, or an index in pip's configuration?"
    "${pip[@]}" --require-hashes -r packaging/locks/all.txt </dev/null || fail "$help"
    # Its declared dependency would compile for ten minutes; the lock above brings the same module ready made.
    "${pip[@]}" --no-deps --require-hashes -r packaging/locks/no-deps.txt </dev/null || fail "$help"
    "${pip[@]}" --no-deps --no-build-isolation --editable . </dev/null || fail "the project itself could not be installed"
    printf '%s\n' "$inputs" >"$stamp"
}

# A card reader in software, for the tests. Unpacked beside the project and never installed: the package's own
# configuration would make this machine's pcscd listen on all addresses.
fetch_card_reader() {
    [[ -e $VPCD/usr/lib/pcsc/drivers/serial/libifdvpcd.so.0.8 ]] && return 0
    command -v apt-get >/dev/null || {
        say "No Debian: without vsmartcard's libifdvpcd the tests of chip cards are skipped"
        return
    }
    rm -rf "$VPCD" && mkdir -p "$VPCD"
    (cd "$VPCD" && apt-get download -qq vsmartcard-vpcd </dev/null 2>/dev/null && dpkg -x vsmartcard-vpcd_*.deb .) ||
        fail "the virtual card reader could not be fetched (run apt-get update, then this again)"
}

fetch_faces() {
    "$VENV/bin/python" packaging/fetch_faces.py --out "$FACES" </dev/null ||
        fail "the demo's portraits could not be fetched; without them the demo has no face to show the camera"
}

install_packages
make_environment
fetch_card_reader
fetch_faces
say "Ready. Try: make run"
