"""What a technician can have the machine do: self-tests, guided repair, burn-in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kiosk.intents import Chose, Intent
from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.burn_in import BurnIn
from kiosk.maintenance.glass import GlassHands
from kiosk.maintenance.repairs import fitting
from kiosk.maintenance.results import CheckOutcome, keep_results
from kiosk.maintenance.sections import part
from kiosk.views import (
    MaintenancePage,
    Option,
    ProgressStage,
    StageState,
    Tone,
    text,
)

if TYPE_CHECKING:
    from kiosk.maintenance.repairs import Repair, RepairStep
    from kiosk.maintenance.results import CheckResult
    from kiosk.maintenance.shift import Shift
    from kiosk.views import Maintenance

STOP, STATED, GIVE_UP, ALL = "stop", "stated", "give_up", "all"


# -- self-tests


async def tests(shift: Shift) -> None:
    """Run all tests, or one. Raises ``LeftAlone``, ``OSError``."""
    parts = shift.workshop.tests.parts()
    options = [Option(id=ALL, title=text("maintenance.test.all"))]
    options += [Option(id=one, title=part(one)) for one in parts]
    answer = await shift.glass.choose(text("maintenance.test.title"), options, lead=text("maintenance.test.lead"))
    wanted = parts if answer == ALL else tuple(one for one in parts if one == answer)
    if wanted:
        results = await run_tests(shift, wanted)
        count = {outcome: sum(one.outcome is outcome for one in results) for outcome in CheckOutcome}
        words = text(
            "maintenance.test.summary",
            passed=count[CheckOutcome.PASSED],
            failed=count[CheckOutcome.FAILED],
            skipped=count[CheckOutcome.SKIPPED],
        )
        await shift.glass.done(words, tone=Tone.ATTENTION if count[CheckOutcome.FAILED] else Tone.GOOD)


async def run_tests(shift: Shift, wanted: tuple[str, ...]) -> list[CheckResult]:
    """Test ``wanted`` one after the other, each into book and record. Raises ``LeftAlone``, ``OSError``."""
    results: list[CheckResult] = []
    hands = GlassHands(shift.glass)
    for one in wanted:
        shift.glass.show(_tests_page(shift, wanted, results, one))
        result = await shift.workshop.tests.run(one, hands)
        results.append(result)
        await asyncio.to_thread(keep_results, shift.workshop.folder, [result])
        facts = {"code": result.code, "seconds": result.seconds, "detail": result.detail}
        await shift.note(EntryKind.TEST, subject=one, outcome=result.outcome.value, **facts)
    return results


def _tests_page(shift: Shift, wanted: tuple[str, ...], results: list[CheckResult], now: str) -> Maintenance:
    by_role = {one.role: one for one in results}
    states = {
        CheckOutcome.PASSED: StageState.DONE,
        CheckOutcome.FAILED: StageState.FAILED,
        CheckOutcome.SKIPPED: StageState.WAITING,
    }
    stages = []
    for one in wanted:
        done = by_role.get(one)
        state = states[done.outcome] if done else StageState.RUNNING if one == now else StageState.WAITING
        stages.append(ProgressStage(label=part(one), state=state))
    return shift.glass.page(MaintenancePage.TESTS, text("maintenance.test.title"), stages=stages)


# -- guided repair


async def repair(shift: Shift) -> None:
    """Choose a repair and go through its steps. Raises ``LeftAlone``, ``OSError``."""
    devices = shift.workshop.tools.devices
    offered: list[Repair] = []
    for role in sorted(devices.names(), key=lambda role: devices.health(role).usable):
        offered += fitting(shift.workshop.repairs, role, devices.health(role).conditions)
    if not offered:
        await shift.glass.done(text("maintenance.repair.none"), tone=Tone.NEUTRAL)
        return
    options = [Option(id=one.id, title=text(f"maintenance.repair_name.{one.id}")) for one in offered]
    answer = await shift.glass.choose(text("maintenance.repair.choose"), options)
    chosen = next((one for one in offered if one.id == answer), None)
    if chosen is not None:
        await _go_through(shift, chosen)


async def _go_through(shift: Shift, chosen: Repair) -> None:
    bench, stated = shift.workshop.bench, 0
    try:
        for number, step in enumerate(chosen.steps, start=1):
            bench.light(step.light)
            how = await _step(shift, chosen, number, step)
            facts = {"repair": chosen.id, "step": number, "say": step.say}
            await shift.note(EntryKind.REPAIR_STEP, subject=chosen.role, outcome=how or "not_seen", **facts)
            if not how:
                await shift.glass.done(text("maintenance.repair.not_seen"), tone=Tone.ATTENTION)
                return
            stated += how == STATED
    finally:
        bench.light(None)
    await shift.note(EntryKind.REPAIRED, subject=chosen.role, outcome=chosen.id, stated_steps=stated)
    await shift.glass.done(text("maintenance.repair.finished"))


async def _step(shift: Shift, chosen: Repair, number: int, step: RepairStep) -> str:
    """Return how the step was confirmed: ``seen`` or ``stated``; empty: it was broken off."""
    sees = shift.workshop.bench.can_see(step)
    options = [] if sees else [Option(id=STATED, title=text("maintenance.repair.state_done"))]
    options.append(Option(id=GIVE_UP, title=text("maintenance.repair.give_up")))
    stages = [
        ProgressStage(
            label=text(f"maintenance.step.{one.say}"),
            state=StageState.DONE if at < number else StageState.RUNNING if at == number else StageState.WAITING,
        )
        for at, one in enumerate(chosen.steps, start=1)
    ]
    view = shift.glass.page(
        MaintenancePage.REPAIR,
        text("maintenance.repair.title", what=text(f"maintenance.repair_name.{chosen.id}")),
        lead=text("maintenance.repair.waiting" if sees else "maintenance.repair.stated"),
        stages=stages,
        options=options,
        picture=step.picture,
    )
    while True:
        wait = shift.workshop.bench.confirmed(chosen.role, step) if sees else asyncio.Event().wait()
        answer = await shift.glass.ask_while(view, wait)
        if not isinstance(answer, Intent):
            return "seen"
        if isinstance(answer, Chose) and answer.option == STATED and not sees:
            return STATED
        if isinstance(answer, Chose) and answer.option == GIVE_UP:
            return ""


# -- burn-in


async def burn_in(shift: Shift) -> None:
    """Repeat the tests; can be stopped at once. Raises ``LeftAlone``, ``OSError``."""
    options = [Option(id=name, title=text(f"maintenance.burn_in.{name}")) for name in ("stop_at_first", "go_on")]
    how = await shift.glass.choose(text("maintenance.burn_in.title"), options)
    if not how:
        return
    counting = BurnIn()

    def page() -> Maintenance:
        lead = text("maintenance.burn_in.lead", round=counting.rounds + 1, failed=counting.failed)
        stop = [Option(id=STOP, title=text("maintenance.ask.stop"))]
        return shift.glass.page(MaintenancePage.TESTS, text("maintenance.burn_in.title"), lead=lead, options=stop)

    tools = shift.workshop.tools
    running = counting.run(
        shift.workshop.tests,
        tools.clock,
        tools.settings.maintenance.burn_in_s,
        stop_at_first=how == "stop_at_first",
        told=lambda: shift.glass.update(page()),
    )
    answer = await shift.glass.ask_while(page(), running)
    outcome = "stopped" if isinstance(answer, Intent) else "failed" if counting.failed else "passed"
    failed = [f"{one}:{count}" for one, count in sorted(counting.failures.items())]
    await shift.note(EntryKind.BURNED_IN, outcome=outcome, rounds=counting.rounds, failures=failed)
    words = text("maintenance.burn_in.done", rounds=counting.rounds, failures=counting.failed)
    await shift.glass.done(words, tone=Tone.ATTENTION if counting.failed else Tone.GOOD)
