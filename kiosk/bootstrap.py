"""The one place that constructs. Everything else receives what it needs."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from devices import registry
from devices.health import Health
from devices.manager import DeviceManager
from kiosk.case_desk import VisitDesk
from kiosk.catalogue import model
from kiosk.clock import SystemClock
from kiosk.documents.seal import Verifier
from kiosk.elsewhere import elsewhere
from kiosk.errors import SettingsError
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CatalogueRefused, DeviceChanged
from kiosk.gateway_http import HttpGateway
from kiosk.identity.face_local import LocalFaceEngine
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.views import Language, text
from kiosk.visit import Tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.errors import DeviceError
    from kiosk.settings import Settings
    from kiosk.stage import Screen
