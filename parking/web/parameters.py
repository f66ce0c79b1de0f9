"""Path and query parameters that several routes share."""

from typing import Annotated, TypeAlias
from uuid import UUID

from litestar.params import FromPath, PathParameter, QueryParameter

from parking.core.ids import SLUG_PATTERN

SlugPath: TypeAlias = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]
VersionPath: TypeAlias = Annotated[int, PathParameter(ge=1, le=1_000_000)]
IdPath: TypeAlias = FromPath[UUID]
LimitQuery: TypeAlias = Annotated[int, QueryParameter(ge=1, le=500)]
PlateQuery: TypeAlias = Annotated[str | None, QueryParameter(max_length=64)]
SlugQuery: TypeAlias = Annotated[str | None, QueryParameter(pattern=SLUG_PATTERN)]
