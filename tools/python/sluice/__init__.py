"""The Python client of Sluice: `Producer` sends timesteps, `Subscriber` receives decisions, `Control` makes requests.

    with Subscriber("meter-") as decisions, Producer() as producer:
        producer.send("meter-7", [0.25, 0.5], sequence=1)
        print(decisions.next())

Use each object in one thread only.
"""

from .connection import Keys, NoAnswer
from .control import Control, ControlError
from .producer import Dictionary, Producer
from .subscriber import BatchSubscriber, Decision, Event, Flag, Subscriber

__all__ = [
    "BatchSubscriber", "Control", "ControlError", "Decision", "Dictionary", "Event", "Flag", "Keys", "NoAnswer", "Producer",
    "Subscriber",
]
__version__ = "1.0"
