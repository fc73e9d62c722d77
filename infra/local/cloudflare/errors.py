"""What the API answers when it can't do what it was asked."""


class ApiError(Exception):
    """A refused request: HTTP status, Cloudflare's error code and a text for the user."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def not_found(what: str, code: int) -> ApiError:
    """404: `what` doesn't exist."""
    return ApiError(404, code, f"{what} not found")


def invalid(message: str, code: int = 10021) -> ApiError:
    """400: the request says something that can't be."""
    return ApiError(400, code, message)


def taken(message: str, code: int) -> ApiError:
    """409: it is there already, or still in use."""
    return ApiError(409, code, message)
