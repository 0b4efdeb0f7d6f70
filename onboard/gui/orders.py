"""The orders given to the engine: those that run or wait, and how they are held."""

from PySide6.QtCore import QObject, Signal

from onboard.gui.engine_child import GRACE, EngineChild
from onboard.gui.memory import give_to_collector
from onboard.gui.wakefulness import Wakefulness
from onboard.model import orders
from onboard.model.changes import CHANGING
from onboard.model.events import SecretWanted
from onboard.model.orders import GoOn, Hold, Order, Ordered, Pause, SecretAnswer, Stop, StopNow
from onboard.model.profile import Profile

SHORT_GRACE = 5_000  # milliseconds for an engine that changes nothing to end
ASKING_AWS = ("account", "preview")  # commands that wait for AWS and cannot be interrupted there


class Orders(QObject):
    """Each order has a number, and orders a command. The computer stays awake while one of them changes servers.

    running_changed  an order was given, held or ended
    went_on          a command that was paused goes on
    """

    running_changed = Signal()
    went_on = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.engine = EngineChild(self)
        self._wakefulness = Wakefulness(self)
        self._given: dict[int, str] = {}  # number → command
        self._held: dict[int, str] = {}  # number → paused or stopping
        self._next = 1

    # Which there are

    @property
    def running(self) -> str:
        """The command that is running; "" if none is."""
        return self._given.get(self._first, "")

    @property
    def held(self) -> str:
        """Whether the running command is "paused" or "stopping"; "" if neither."""
        return self._held.get(self._first, "")

    @property
    def commands(self) -> frozenset[str]:
        """The commands that run or wait."""
        return frozenset(self._given.values())

    @property
    def is_changing(self) -> bool:
        """Whether an order that changes servers runs or waits."""
        return any(command in CHANGING for command in self._given.values())

    @property
    def _first(self) -> int:
        changing = (number for number, command in self._given.items() if command in CHANGING)
        return next(changing, next(iter(self._given), 0))

    def command_of(self, number: int) -> str:
        """The command that this order started; "" if it has ended or was dropped."""
        return self._given.get(number, "")

    def numbers(self, command: str) -> list[int]:
        """The numbers of the command's orders."""
        return [number for number, given in self._given.items() if given == command]

    # Giving and ending

    def give(self, order: Order, profile: Profile, path: str) -> None:
        number, self._next = self._next, self._next + 1
        self._given[number] = orders.name_of(order)
        self.engine.send(Ordered(number=number, order=order, profile=profile, path=path))
        self.report()

    def drop(self, command: str) -> None:
        """Stop the command's orders, and count them as ended: what they still report no longer matters."""
        numbers = self.numbers(command)
        for number in numbers:
            del self._given[number]
            self.engine.control(Stop(number=number) if command in CHANGING else StopNow(number=number))
        if numbers:
            if command in ASKING_AWS and not self._given:
                self.engine.let_go()  # the next order need not wait for it
            self.report()

    def end(self, number: int) -> None:
        """Count an order as ended. Call `report` once the receivers of its events may hear of it."""
        del self._given[number]

    def end_all(self) -> None:
        """Count all orders as ended, because the engine died."""
        self._given.clear()
        self.report()

    def report(self) -> None:
        """Signal that orders were given or have ended."""
        self._held = {number: held for number, held in self._held.items() if number in self._given}
        self._wakefulness.set_held(self.is_changing)
        if not self._given:
            give_to_collector()
        self.running_changed.emit()

    def close(self) -> None:
        """End the engine, once its work on servers has reached a point where it can be resumed."""
        changing = self.is_changing
        self._given.clear()
        self._wakefulness.set_held(False)
        self.engine.close(GRACE if changing else SHORT_GRACE)

    # Controls

    def stop(self, command: str) -> None:
        """Let the command finish its work in progress, and start nothing new."""
        self._control(command, Stop, "stopping")

    def stop_now(self, command: str) -> None:
        self._control(command, StopNow, "stopping")

    def pause(self, command: str) -> None:
        self._control(command, Pause, "paused")

    def go_on(self, command: str) -> None:
        self._control(command, GoOn)
        self.went_on.emit(command)

    def answer(self, wanted: SecretWanted, value: str | None, *, keep: bool = False) -> None:
        """Answer an event SecretWanted; None when the user has no answer."""
        self.engine.control(SecretAnswer(name=wanted.name, value=value, keep=keep))

    def _control(self, command: str, control: type[Hold], held: str = "") -> None:
        for number in self.numbers(command):
            self.engine.control(control(number=number))
            self._held[number] = held
            self.running_changed.emit()
