"""What most endpoints are: an object looked up, a list with filters, a change of words."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.shapes.base import Shape

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

S = TypeVar("S", bound=Shape)


class MetadataParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only the metadata can be changed."""

    metadata: Metadata | None = None


class WordParams(MetadataParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only words can be changed."""

    description: str | None = None


def retriever(shape: type[S]) -> Callable[["World", Params, str], S]:
    """The operation that answers one object of a kind."""

    def retrieve(world: "World", _params: Params, object_id: str) -> S:
        return world.load(shape, object_id)

    return retrieve


def list_params(*filters: str) -> type[ListParams]:
    """The parameters of a list that may be narrowed by these columns."""
    made: Any = msgspec.defstruct(
        "FilteredListParams",
        [(name, str | None, None) for name in filters],
        bases=(ListParams,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    narrowed: type[ListParams] = made
    return narrowed


def lister(shape: type[Shape], url: str, *filters: str) -> Callable[["World", ListParams], Page]:
    """The operation that lists a kind, newest first, narrowed by these columns."""

    def list_all(world: "World", params: ListParams) -> Page:
        where = {name: getattr(params, name) for name in filters}
        return list_page(world, shape, params, url=url, **where)

    return list_all


def updater(shape: type[S], *, event: str | None = None) -> Callable[["World", Any, str], S]:
    """The operation that changes metadata and, where the parameters have one, the description."""

    def update(world: "World", params: MetadataParams, object_id: str) -> S:
        found: Any = world.load(shape, object_id)
        if isinstance(params, WordParams) and params.description is not None:
            found.description = params.description or None
        found.metadata = merge_metadata(found.metadata, params.metadata)
        world.save(found)
        if event:
            world.emit(event, found)
        changed: S = found
        return changed

    return update
