/* Readers in software never break. This stands between pcscd and their driver (libifdvpcd) and lets them: the folder
 * named by TONGBAN_READER_FAULTS holds a file for each thing that is wrong.
 *
 *   absent      the cable of the reader is out: its channel cannot be opened, its card slots are no device any more
 *   mute-<slot> the chip in that slot does not answer to power: upside down, or no chip at all
 *
 * Whatever is not defined here is libifdvpcd's own: it is linked, and pcscd finds its functions through this object.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifdhandler.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef RESPONSECODE create_by_name(DWORD, LPSTR);
typedef RESPONSECODE presence(DWORD);
typedef RESPONSECODE power(DWORD, DWORD, PUCHAR, PDWORD);

static int wrong(const char *fault)
{
    char path[PATH_MAX];
    const char *folder = getenv("TONGBAN_READER_FAULTS");

    if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, fault) >= (int)sizeof path)
        return 0;
    return access(path, F_OK) == 0;
}

RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR name)
{
    if (wrong("absent"))
        return IFD_NO_SUCH_DEVICE;
    return ((create_by_name *)dlsym(RTLD_NEXT, "IFDHCreateChannelByName"))(lun, name);
}

RESPONSECODE IFDHICCPresence(DWORD lun)
{
    if (wrong("absent"))
        return IFD_NO_SUCH_DEVICE;
    return ((presence *)dlsym(RTLD_NEXT, "IFDHICCPresence"))(lun);
}

RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD length)
{
    char fault[32];

    snprintf(fault, sizeof fault, "mute-%lu", (unsigned long)lun & 0xFFFF);
    if (wrong(fault)) {
        *length = 0;
        return IFD_ERROR_POWER_ACTION;
    }
    return ((power *)dlsym(RTLD_NEXT, "IFDHPowerICC"))(lun, action, atr, length);
}
