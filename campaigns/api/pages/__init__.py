"""Settings -> API, and the page that describes the API."""
