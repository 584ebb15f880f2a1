"""MLflow's model registry: versions with their tags, the aliases ``champion`` and ``previous``, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from overcast.config.compose import compose_tracking
from overcast.core.errors import UserError
from overcast.core.formats import check_format
from overcast.serving.onnx_model import FORMAT, OnnxModel
from overcast.serving.open_model import REGISTERED
from overcast.tracking.failures import answering
from overcast.tracking.store import TrackingStore, open_store, store_address

CHAMPION, PREVIOUS = "champion", "previous"
BEFORE = "champion_before"
"""A version's tag: the champion whose place it took."""


@dataclass(frozen=True)
class Registry:
    """The registered model ``name`` in a tracking store."""

    store: TrackingStore
    name: str

    @property
    def client(self) -> Any:
        return self.store.client

    def version(self, number_or_alias: str) -> Any:
        """MLflow's ModelVersion. Raises: UserError if there is none, or another version of overcast registered it."""
        from mlflow.exceptions import MlflowException

        try:
            if number_or_alias.isdigit():
                found = self.client.get_model_version(self.name, number_or_alias)
            else:
                found = self.client.get_model_version_by_alias(self.name, number_or_alias)
        except MlflowException as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"there is no registered model {self.name} {number_or_alias} ({reason})") from None
        again = "register the run again"
        check_format(f"{self.name} {number_or_alias}", {"format": int(found.tags.get("format", 0))}, FORMAT, again)
        return found

    def champion(self) -> Any | None:
        """Its version, or None without one."""
        with suppress(UserError):
            return self.version(CHAMPION)
        return None

    def file(self, version: Any, name: str) -> Path:
        """A copy of one of the files that lie with a version. Raises: UserError if it cannot be had."""
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        source = self.client.get_model_version_download_uri(self.name, version.version)
        if source.startswith(REGISTERED):  # a model of MLflow's own, by its id
            source = self.client.get_logged_model(source.removeprefix(REGISTERED)).artifact_location
        try:
            found = mlflow.artifacts.download_artifacts(
                artifact_uri=f"{source}/{name}",
                dst_path=mkdtemp(prefix="overcast-"),
                tracking_uri=store_address(self.store.settings),
            )
        except (MlflowException, OSError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(f"{name} of {self.name} {version.version} cannot be had: {reason}") from None
        return Path(found)

    def promote(self, version: str) -> None:
        """Make it the champion, and remember which was."""
        champion = self.champion()
        old = str(champion.version) if champion else version  # MLflow's are numbers or texts, by the store
        if old != version:
            self.client.set_model_version_tag(self.name, version, BEFORE, old)
            self.client.set_registered_model_alias(self.name, PREVIOUS, old)
        self.client.set_registered_model_alias(self.name, CHAMPION, version)

    def roll_back(self) -> tuple[str, str]:
        """Make the champion before this one the champion again: their versions, this one's first.

        Raises: UserError if there is none.
        """
        now = self.version(CHAMPION)
        if not (before := now.tags.get(BEFORE)):
            raise UserError(f"{self.name} {now.version} is the first champion of {self.name}: there is none before it")
        target = self.version(before)
        self.client.set_registered_model_alias(self.name, CHAMPION, before)
        if older := target.tags.get(BEFORE):
            self.client.set_registered_model_alias(self.name, PREVIOUS, older)
        else:
            self.client.delete_registered_model_alias(self.name, PREVIOUS)
        return str(now.version), before


def open_registry(name: str, tracking: Sequence[str] = ()) -> Registry:
    """Raises: UserError with tracking=off, or if the store does not answer."""
    store = open_store(compose_tracking(tracking))
    if store is None:
        raise UserError("tracking=off: models are registered in MLflow. Leave it out, or name another")
    return Registry(store, name)


def registered_version(address: str, tracking: Sequence[str] = ()) -> tuple[Registry, Any]:
    """What ``models:/name@alias`` or ``models:/name/version`` stands for: its registry, and MLflow's ModelVersion.

    Raises: UserError if it is no such address, or there is no such model.
    """
    name, at, alias = address.removeprefix(REGISTERED).partition("@")
    if not at:
        name, _, alias = name.rpartition("/")
    if not name or not alias or "/" in name:
        raise UserError(f"{address}: name a registered model as models:/name@{CHAMPION} or models:/name/3")
    registry = open_registry(name, tracking)
    return registry, registry.version(alias)


def registered_model(address: str, tracking: Sequence[str] = ()) -> OnnxModel:
    """The same, ready to predict. Raises: UserError as `registered_version` does."""
    registry, version = registered_version(address, tracking)
    return OnnxModel(registry.file(version, "data/model.onnx"))


def registered_runs(store: TrackingStore) -> dict[str, list[str]]:
    """The MLflow runs that versions of registered models were made from: their ids, each with names such as
    ``overcast-skies 3 (champion)``. Of all models that the store has, whoever registered them.

    Raises: UnreachableError.
    """
    runs: dict[str, list[str]] = {}
    with answering(store.uri):
        models = list(_pages(store.client.search_registered_models))
        aliases = {(model.name, str(number)): alias for model in models for alias, number in model.aliases.items()}
        for version in _pages(store.client.search_model_versions):
            key = (version.name, str(version.version))
            name = " ".join([*key, *([f"({aliases[key]})"] if key in aliases else [])])
            for run in {version.run_id, version.tags.get("run")} - {None, ""}:
                runs.setdefault(run, []).append(name)
    return runs


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All that MLflow finds."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        if not (token := page.token):
            return
