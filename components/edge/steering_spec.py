"""A name that leads to whichever region is near and up."""

from pydantic import Field

from components.labels import Region
from components.values import Values


class SteeringSpec(Values):
    """A name of the zone that is no one region's: what is asked there, any region may answer. `preferred` are the
    regions, the one first that is asked where none looks up."""

    region: Region
    zone_id: str
    hostname: str
    preferred: tuple[Region, ...] = Field(min_length=1)
