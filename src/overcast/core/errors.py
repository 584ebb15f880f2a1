"""What a user can mend is a `UserError`; the kinds of it that a study treats on their own are its children."""

from overcast.core.secrets import without_password


class UserError(Exception):
    """A mistake or a missing thing that the user can put right.

    Its text is the whole message a person sees: what is wrong and what to do. It takes exactly one
    string, so that it survives pickling between worker processes. Passwords in it are left out.
    """

    exit_code = 2
    """Of a script that ends with it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(without_password(message))


class IncompatibleError(UserError):
    """A network, data and mitigations that do not go together. A study leaves such a cell out and says so."""


class DamagedError(UserError):
    """A stored file that is not what was written. A study trains such a run again."""


class RemovedError(UserError):
    """Weights that were removed on purpose, of a run whose figures and predictions are kept."""


class DivergedError(UserError):
    """A run whose loss, weights or answers are no longer finite numbers. A study counts it as a failed trial."""


class StoppedError(UserError):
    """A run that was ended on purpose before its last epoch: a search expects nothing of it any more."""


class UnreachableError(UserError):
    """A tracking store that does not answer, or not as it should. In a study's middle the record is kept for later."""


class NotRecordedError(UserError):
    """Results that are whole, of which MLflow has refused something for good."""

    exit_code = 1
