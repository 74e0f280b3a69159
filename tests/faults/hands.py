"""The resident: answers what the screen asks, lays and lifts the card, tries again twice, and then goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiosk.intents import Agreed, AskedHelp, Chose, Declined, Submitted, WentHome
from kiosk.runner import AGAIN, END
from kiosk.stage import LEAVE, STAY
from kiosk.steps.apologise import AGAIN as SEND_AGAIN
from kiosk.views import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.catalogue.model import Package
    from kiosk.intents import Intent
    from kiosk.views import Scene
    from tests.faults.bench import Bench

LAY_S = 5.0  # from being asked to laying the card
LIFT_S = 3.0
OFFER_S = 70.0  # waited for a service to be offered
TRIES = 2  # taps on "try again"
CODE = "123456"
WANTED = {
    "fb.kind": "complaint",
    "fb.text": "路灯坏了三天没有人修理。",
    "fb.mobile": "13800138000",
    "fb.secret": "no",
    "fb.about_kiosk": "no",
    "sms.code": CODE,
}


class Hands:
    """Acts on the scene that is shown; the second fault of a run may be its own way."""

    def __init__(self, bench: Bench, service: Package) -> None:
        self._bench = bench
        self._service = service
        self._way = bench.story.run.resident
        self._seen = (-1, "")
        self._since = 0.0
        self._again = 0
        self._moved = 0.0  # when the card was last laid or lifted
        self._gone = False
        self._helped = False
        self.begun = False
        self.over = False

    def act(self) -> bool:
        """Do what the scene asks for; tell whether anything was done."""
        if not self._bench.screen.scenes:
            return False
        scene = self._bench.screen.scenes[-1]
        kind = type(scene.view).__name__
        marks = (scene.turn, kind)
        if marks != self._seen:
            self._seen, self._since = marks, self._bench.clock.monotonic()
        if self.begun and kind in {"Attract", "OutOfService"}:
            self.over = True
            return False
        if self._gone and kind != "Goodbye":
            return False
        if self._own_way(scene, kind):
            return True
        return bool(getattr(self, f"_{kind.lower()}", self._nothing)(scene))

    # -- its own ways

    def _own_way(self, scene: Scene, kind: str) -> bool:
        struck = any(plant.fired for plant in self._bench.plants)
        if not struck or kind in {"Attract", "OutOfService", "Goodbye"}:
            return False
        if self._way == "walks_away":
            self._bench.note("hands: walks away")
            self._gone = True
            return True
        if self._way == "asks_help" and not self._helped and Key.HELP in scene.keys:
            self._helped = True
            self._does(AskedHelp)
            self._does(Chose, STAY)
            return True
        if self._way == "leaves" and not self._helped and Key.LEAVE in scene.keys:
            self._helped = True
            self._does(WentHome)
            self._does(Chose, LEAVE)
            return True
        return False

    def _does(self, intent: type[Intent], *args: Any, **fields: Any) -> bool:
        turn = self._bench.screen.scenes[-1].turn
        said = intent.__name__ + (f" {args[0]}" if args else "")
        self._bench.note(f"hands: {said}")
        self._bench.terminal.post(intent(turn, *args, **fields))
        return True

    def _waited(self, seconds: float) -> bool:
        return self._bench.clock.monotonic() - self._since >= seconds

    # -- views

    def _nothing(self, scene: Scene) -> bool:
        return False

    def _attract(self, scene: Scene) -> bool:
        entry = "complaint" if self._service.kind == "feedback" else "services"
        if any(option.id == entry and option.enabled for option in scene.view.entries):
            self._bench.story.never_begun = False
            if self._bench.clock.monotonic() < 1:
                return False
            self.begun = True
            return self._does(Chose, entry)
        return self._not_offered()

    def _outofservice(self, scene: Scene) -> bool:
        return self._not_offered()

    def _not_offered(self) -> bool:
        self._bench.story.never_begun = True
        self.over = self._bench.clock.monotonic() >= OFFER_S
        return False

    def _choice(self, scene: Scene) -> bool:
        if scene.view.title.key == "choose_language.title":
            return self._does(Chose, "zh_CN")
        option = next(one for one in scene.view.options if one.id == self._service.code)
        if option.enabled:
            self._bench.story.never_begun = False
            return self._does(Chose, self._service.code)
        self._bench.story.never_begun = True
        if self._waited(OFFER_S / 2):
            return self._does(WentHome) and self._does(Chose, LEAVE)
        # Looks again: a search with nothing in it draws the services anew.
        if int(self._bench.clock.monotonic()) % 5 == 0:
            self._does(Submitted, values=(("query", ""),))
        return False

    def _guide(self, scene: Scene) -> bool:
        return self._does(Agreed)

    def _prompt(self, scene: Scene) -> bool:
        reader, lift_first = self._bench.machines["id_reader"], scene.view.body.key == "read_card.lift_first"
        if self._bench.clock.monotonic() - self._moved < LIFT_S:
            return False  # a hand takes its time
        if reader.lying and (lift_first or not reader.fresh.is_set()):
            return self._hand(reader.lift)
        if not reader.lying and self._waited(LAY_S):
            return self._hand(reader.lay)
        return False

    def _hand(self, move: Callable[[], None]) -> bool:
        self._moved = self._bench.clock.monotonic()
        move()
        return True

    def _consent(self, scene: Scene) -> bool:
        return self._does(Agreed)

    def _form(self, scene: Scene) -> bool:
        values = tuple((one.id, WANTED.get(one.id, one.value)) for one in scene.view.fields)
        if self._waited(90):
            return False
        given = {one.id: one.value for one in scene.view.fields}
        if any(given[name] != value for name, value in values) and "sms.code" not in given:
            return self._does(Submitted, values=values, complete=False)
        return self._does(Submitted, values=values)

    def _review(self, scene: Scene) -> bool:
        return self._does(Agreed)

    def _document(self, scene: Scene) -> bool:
        return self._does(Agreed) if scene.view.ready and self._waited(1) else False

    def _result(self, scene: Scene) -> bool:
        if not self._waited(1):
            return False
        again = [one.id for one in scene.view.options if one.id == SEND_AGAIN]
        if again and self._again < TRIES:
            self._again += 1
            return self._does(Chose, again[0])
        return self._does(Agreed)

    def _rating(self, scene: Scene) -> bool:
        if self._waited(20):
            return self._does(Declined)
        return self._does(Submitted, values=(("grade", "5"),))

    def _fault(self, scene: Scene) -> bool:
        if not self._waited(4):  # reads it
            return False
        ids = [one.id for one in scene.view.options]
        if AGAIN in ids and self._again < TRIES and self._way != "ends_at_once":
            self._again += 1
            return self._does(Chose, AGAIN)
        return self._does(Chose, END)

    def _goodbye(self, scene: Scene) -> bool:
        reader = self._bench.machines["id_reader"]
        if reader.lying and not scene.view.cleared and self._waited(LIFT_S) and not self._gone:
            reader.lift()
            return True
        if reader.lying and self._gone and self._waited(90):
            self._bench.note("hands: somebody else takes the card away")
            reader.lift()
            return True
        return False
