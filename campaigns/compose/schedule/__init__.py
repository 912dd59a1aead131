"""When recipients may be sent to: sending hours and local times, in each recipient's time zone.

Works on countries, area codes and moments alone; who waits for what belongs to dispatch.

1. time_zones: the time zones of a country or an area code.
2. sending_hours: whether a place is within its sending hours, and when it is next.
"""
