"""Remove the weights that nothing needs, or say which they are."""

from __future__ import annotations

from collections.abc import Sequence

from overcast.config.compose import compose_tracking
from overcast.core.console import show
from overcast.core.durations import seconds
from overcast.core.errors import UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.core.words import translate, use_language
from overcast.retention.listing import plan_text, removed_text
from overcast.retention.plan import plan_removal
from overcast.retention.removal import remove
from overcast.retention.studies import find_parent
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.store import open_store


def collect(
    study: str = "",
    older_than: str = "",
    by_hand: bool = False,
    delete: bool = False,
    tracking: Sequence[str] = (),
    language: str = "en",
) -> str:
    """What can be removed, and is if to ``delete``; gives what to print.

    study: the name, id or parent run of the only one to look at. older_than: such as 30d. by_hand: also the weights of
    runs outside of studies. tracking: overrides of ``conf/tracking``. language: of what is printed.

    Raises: UserError if there is no such study, no record of what is needed, or something was left.
    """
    with use_language(language):
        age = seconds("older_than", older_than) if older_than else 0.0
        runs = project_path("runs")
        if not runs.is_dir():
            raise UserError(f"there is no run in {runs}/ yet: nothing can be removed")
        store = open_store(compose_tracking(tracking))
        if store is None:
            raise UserError("tracking=off: MLflow knows what is needed of runs. Leave it out, or name another")
        mark_orphaned_runs(store)
        key = find_parent(store, study).tags["study"] if study else ""
        with try_lock(runs):
            plan = plan_removal(store, key, age, by_hand)
            lines = [plan_text(plan)]
            if delete and plan.going:
                show("\n".join(lines), flush=True)
                removed = remove(plan.going, store)
                lines = [removed_text(removed)]
                if removed.left:
                    show("\n".join(lines), flush=True)
                    raise UserError("\n".join(["not removed, and left for another time:", *removed.left]))
            elif plan.going:
                lines.append(translate("nothing was removed: add delete=true"))
        return "\n".join(lines)
