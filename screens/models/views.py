"""One view model for each kind of view, for as long as the screen lives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from screens.models.arriving import AttractModel, ChoiceModel, GuideModel
from screens.models.filling import FormModel, ReviewModel
from screens.models.finishing import DocumentModel, ProgressModel, RatingModel, ResultModel
from screens.models.identifying import CameraModel, ConsentModel, PromptModel
from screens.models.leaving import FaultModel, GoodbyeModel, OutOfServiceModel
from screens.models.servicing import MaintenanceModel

if TYPE_CHECKING:
    from kiosk.views import View
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


class ViewModel(Protocol):
    """What every view model can do besides being read by QML."""

    def put(self, view: View, say: Say) -> None:
        """Show ``view``, which is of the kind this model is for."""
        ...

    def forget(self) -> None:
        """Drop what was shown and typed."""
        ...


def kind_of(view: View) -> str:
    """Return the name of the view's kind: ``attract``, ``out_of_service`` ..."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", type(view).__name__).lower()


@QmlElement
class ViewModels(QObject):
    """The view models by kind. They live as long as the screen, so QML never meets a dead one."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._attract = AttractModel(self)
        self._choice = ChoiceModel(self)
        self._guide = GuideModel(self)
        self._prompt = PromptModel(self)
        self._consent = ConsentModel(self)
        self._camera = CameraModel(self)
        self._form = FormModel(self)
        self._review = ReviewModel(self)
        self._progress = ProgressModel(self)
        self._document = DocumentModel(self)
        self._result = ResultModel(self)
        self._rating = RatingModel(self)
        self._goodbye = GoodbyeModel(self)
        self._fault = FaultModel(self)
        self._out_of_service = OutOfServiceModel(self)
        self._maintenance = MaintenanceModel(self)
        self._by_kind: dict[str, ViewModel] = {
            "attract": self._attract,  # type: ignore[dict-item]
            "choice": self._choice,  # type: ignore[dict-item]
            "guide": self._guide,  # type: ignore[dict-item]
            "prompt": self._prompt,  # type: ignore[dict-item]
            "consent": self._consent,  # type: ignore[dict-item]
            "camera": self._camera,  # type: ignore[dict-item]
            "form": self._form,  # type: ignore[dict-item]
            "review": self._review,  # type: ignore[dict-item]
            "progress": self._progress,  # type: ignore[dict-item]
            "document": self._document,  # type: ignore[dict-item]
            "result": self._result,  # type: ignore[dict-item]
            "rating": self._rating,  # type: ignore[dict-item]
            "goodbye": self._goodbye,  # type: ignore[dict-item]
            "fault": self._fault,  # type: ignore[dict-item]
            "out_of_service": self._out_of_service,  # type: ignore[dict-item]
            "maintenance": self._maintenance,  # type: ignore[dict-item]
        }

    def put(self, view: View, say: Say) -> str:
        """Show ``view`` in its model and return its kind. Raises ``KeyError`` for a kind the screen does not know."""
        kind = kind_of(view)
        self._by_kind[kind].put(view, say)
        return kind

    def forget(self) -> None:
        """Make every model drop what it showed."""
        for model in self._by_kind.values():
            model.forget()

    @Property(AttractModel, constant=True)
    def attract(self) -> AttractModel:
        return self._attract

    @Property(ChoiceModel, constant=True)
    def choice(self) -> ChoiceModel:
        return self._choice

    @Property(GuideModel, constant=True)
    def guide(self) -> GuideModel:
        return self._guide

    @Property(PromptModel, constant=True)
    def prompt(self) -> PromptModel:
        return self._prompt

    @Property(ConsentModel, constant=True)
    def consent(self) -> ConsentModel:
        return self._consent

    @Property(CameraModel, constant=True)
    def camera(self) -> CameraModel:
        return self._camera

    @Property(FormModel, constant=True)
    def form(self) -> FormModel:
        return self._form

    @Property(ReviewModel, constant=True)
    def review(self) -> ReviewModel:
        return self._review

    @Property(ProgressModel, constant=True)
    def progress(self) -> ProgressModel:
        return self._progress

    @Property(DocumentModel, constant=True)
    def document(self) -> DocumentModel:
        return self._document

    @Property(ResultModel, constant=True)
    def result(self) -> ResultModel:
        return self._result

    @Property(RatingModel, constant=True)
    def rating(self) -> RatingModel:
        return self._rating

    @Property(GoodbyeModel, constant=True)
    def goodbye(self) -> GoodbyeModel:
        return self._goodbye

    @Property(FaultModel, constant=True)
    def fault(self) -> FaultModel:
        return self._fault

    @Property(OutOfServiceModel, constant=True)
    def outOfService(self) -> OutOfServiceModel:
        return self._out_of_service

    @Property(MaintenanceModel, constant=True)
    def maintenance(self) -> MaintenanceModel:
        return self._maintenance
