"""The scripts' main: a user's mistake becomes one message and exit code 2."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING as DATACLASS_MISSING
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn, get_type_hints

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from overcast.config.compose import completed_line, resolved, with_defaults
from overcast.config.hydra_block import check_hydra_blocks
from overcast.config.messages import LANGUAGE, error_message, no_option
from overcast.config.run_config import RunConfig
from overcast.config.schema import register_schema
from overcast.core.console import warn
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.secrets import keep_passwords, without_password
from overcast.core.signals import ctrl_c_raises, interruptions_kept
from overcast.core.system_errors import refusals_told
from overcast.core.words import LANGUAGES, current_language, no_language, use_language

OVERRIDES = "overrides"
"""The field of a script's arguments that takes all words which are none of the others."""


@dataclass
class Session:
    """One call of a script: what all its parts share.

    user_overrides: what the user typed after the script's name, before the defaults were put in front. errors: what
    went wrong in its jobs, since Hydra would add lines of its own to what is raised. study: the one that the jobs
    belong to, as the study's callback sets it, in a worker too; None for a single run.
    """

    user_overrides: list[str] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)
    study: Any = None


class Job:
    """A script's task as Hydra calls it: a mistake is given back instead of raised; in a multirun, any error.

    A raised one would end the other jobs of a worker if it does not unpickle, and be shown twice.
    """

    def __init__(self, task: Callable[[RunConfig, Session], Any], session: Session) -> None:
        functools.update_wrapper(self, task)  # Hydra asks for the function's file
        self.task, self.session = task, session

    def __call__(self, cfg: DictConfig) -> Any:
        try:
            with interruptions_kept(), refusals_told():
                return self.task(resolved(cfg), self.session)
        except (UserError, OmegaConfBaseException) as error:
            kind = type(error) if isinstance(error, UserError) else UserError
            mistake = kind(error_message(error, ROOT / "conf"))  # without the frames that led to it, and all they hold
            self.session.errors.append(mistake)
            if HydraConfig.get().mode is RunMode.MULTIRUN:
                with suppress(OSError):  # no room in the job's log
                    warn(str(mistake))
            return mistake
        except Exception as error:
            if HydraConfig.get().mode is not RunMode.MULTIRUN:
                raise
            print(without_password(traceback.format_exc()), file=sys.stderr)
            return UserError(f"{type(error).__name__}: {error}")


def hydra_script(task: Callable[[RunConfig, Session], Any]) -> Callable[[], None]:
    """A script's ``main`` from a function of the composed config and the session."""

    @functools.wraps(task)
    def main() -> None:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, and the message is ours
        sys.argv[1:] = keep_passwords(sys.argv[1:])  # before Hydra sees them: it shows them where a job fails
        with language_asked_for(sys.argv[1:]):
            sys.argv[1:] = [word for word in sys.argv[1:] if not _names_language(word)]
            run_hydra(Session(user_overrides=sys.argv[1:]))

    def run_hydra(session: Session) -> None:
        try:
            with ctrl_c_raises(), interruptions_kept(), refusals_told():
                register_schema()
                check_hydra_blocks(ROOT / "conf", sys.argv[1:])
                if "COMP_LINE" in os.environ:  # a shell asks what may follow
                    os.environ["COMP_LINE"] = completed_line(os.environ["COMP_LINE"])
                _refuse_what_hydra_trips_over(sys.argv[1:])
                sys.argv[1:] = with_defaults(sys.argv[1:])
                hydra.main(config_path=str(ROOT / "conf"), config_name="config", version_base="1.3")(
                    Job(task, session)
                )()
            if session.errors:
                fail(session.errors[0])
        except UserError as error:
            fail(error)
        except (HydraException, OmegaConfBaseException) as error:
            fail(UserError(error_message(error, ROOT / "conf")))
        except KeyboardInterrupt:
            _end_interrupted()

    return main


def _refuse_what_hydra_trips_over(words: Sequence[str]) -> None:
    """Raises: UserError for words at which Hydra itself ends with a ValueError."""
    if "--resolve" in words and not {"--cfg", "-c", "--help", "-h"} & set(words):
        raise UserError("--resolve goes with --cfg job, which shows the config: add that, or leave it out")
    for word in words:
        name, equals, _ = word.partition("=")
        if name.startswith("~") and equals:
            raise UserError(f"{word}: what is left out is named without a value: {name}")


def plain_script(task: Callable[[Any], Any]) -> Callable[[], None]:
    """A script's ``main`` for one that takes a few ``name=value`` words and no defaults: a dataclass says which.

    A field that is () by default, such as ``tracking``, is a list of what was given of ``tracking=…`` and
    ``tracking.…=…``; if it is called ``overrides``, of all words that are none of the others.
    """

    @functools.wraps(task)
    def main() -> None:
        kind = get_type_hints(task)["arguments"]
        if {"-h", "--help"} & set(sys.argv[1:]):
            print(f"{sys.modules[task.__module__].__doc__}\n{inspect.cleandoc(kind.__doc__)}")
            return
        with language_asked_for(sys.argv[1:]):
            run(kind)

    def run(kind: Any) -> None:
        try:
            with ctrl_c_raises(), interruptions_kept(), refusals_told():
                task(_parse_arguments(kind, keep_passwords(sys.argv[1:])))
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        except UserError as error:
            fail(error)
        except KeyboardInterrupt:
            _end_interrupted()

    return main


@contextmanager
def language_asked_for(words: Sequence[str]) -> Iterator[None]:
    """Answer in the language of a ``language=…`` among the words, wherever it stands; without one, as before."""
    asked = [word.partition("=")[2].strip("'\"") for word in words if _names_language(word)]
    language = asked[-1] if asked else current_language()
    if language not in LANGUAGES:
        fail(UserError(no_language(language)))
    with use_language(language):
        yield


def _names_language(word: str) -> bool:
    return word.lstrip("+").startswith(f"{LANGUAGE}=")


def _end_interrupted() -> None:
    """End with exit code 130. A second Ctrl-C would be shown as an error of whatever is just being put away."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(130)


def _parse_arguments(kind: Any, words: list[str]) -> Any:
    """``name=value`` words as the dataclass ``kind``: text, true or false, a number, None; lists where () stands."""
    own = [f.name for f in fields(kind)]
    words = [word for word in words if LANGUAGE in own or not _names_language(word)]
    names = own if LANGUAGE in own else [*own, LANGUAGE]
    needed = [f.name for f in fields(kind) if f.default is DATACLASS_MISSING]
    lists: dict[str, list[str]] = {f.name: [] for f in fields(kind) if f.default == ()}
    given: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if (group := name.partition(".")[0]) in lists:
            lists[group].append(word)
        elif name not in names and OVERRIDES in lists:
            lists[OVERRIDES].append(word)
        else:
            given[name] = value
    given |= {name: group for name, group in lists.items() if group}
    for name in given:
        if name not in names:
            raise UserError(no_option(name, names))
    for name in needed:
        if not given.get(name):
            raise UserError(f"{name}=… is missing. Options: {', '.join(f'{n}=…' for n in names)}")
    types = get_type_hints(kind)
    return kind(**{name: _parsed(name, value, types[name]) for name, value in given.items()})


def _parsed(name: str, text: Any, kind: Any) -> Any:
    if kind is bool:
        if text not in ("true", "false"):
            raise UserError(f"{name}={text}: give true or false")
        return text == "true"
    if kind == float | None:
        try:
            return float(text) if text else None
        except ValueError:
            raise UserError(f"{name}={text}: give a number") from None
    return text


def fail(error: UserError) -> NoReturn:
    """Show one message and end with exit code 2, as for any mistake of usage, or with the error's own."""
    warn(str(error))
    sys.exit(error.exit_code)
