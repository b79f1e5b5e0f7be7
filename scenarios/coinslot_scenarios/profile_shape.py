"""The shape of a profile file: how one backend is reached. Every key but `base_url` is optional.

Only shapes; reading, secrets and capabilities are `profile`'s work. A section for each portal is named by the
portal and validated apart, so that no portal is named here.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.shapes import Duration, Shape
from coinslot_scenarios.words import Matcher


def _text(value: Any) -> Any:
    """Numbers are fine where an id is meant: `game_id: 9943`."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must begin with /")
    return value


def _status(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    if isinstance(value, str) and len(value) == 3 and value[0] in "12345" and value[1:] == "xx":
        return value
    raise ValueError("must be an HTTP status such as 200, or a class such as 2xx")


def _jsonpath(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("$"):
        raise ValueError("must be a JSONPath such as $.user.id")
    from jsonpath import JSONPathError, compile  # noqa: A004

    try:
        compile(value)
    except JSONPathError as error:
        raise ValueError(f"is no JSONPath: {error}".splitlines()[0]) from None
    return value


def _paths(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
PathText = Annotated[str, AfterValidator(_path)]
Status = Annotated[Any, BeforeValidator(_status)]
JsonPath = Annotated[str, BeforeValidator(_jsonpath)]
JsonPaths = Annotated[list[JsonPath], BeforeValidator(_paths)]


class Request(Shape):
    """One HTTP request of the backend; texts may hold templates."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: PathText
    query: dict[str, Text] = Field(default_factory=dict)
    headers: dict[str, Text] = Field(default_factory=dict)
    json_: Any = Field(default=None, alias="json")
    form: dict[str, Text] | None = None
    body: str | None = None

    @model_validator(mode="after")
    def _one_body(self) -> "Request":
        if sum(part is not None for part in (self.json_, self.form, self.body)) > 1:
            raise ValueError("a request has one of json, form and body")
        return self


class Yes(Shape):
    """How an answer says yes."""

    status: Status | None = None
    present: JsonPaths = Field(default_factory=list)
    equals: dict[JsonPath, Matcher] = Field(default_factory=dict)


class Login(Shape):
    """The login of one portal's players."""

    request: Request
    ok: Yes = Field(default_factory=lambda: Yes(status="2xx"))
    user_id: JsonPath | None = None


class Callback(Shape):
    """Where the backend listens for notifications."""

    path: PathText


class Initiate(Shape):
    """How the backend opens a purchase, and where its answer has the external id of it."""

    request: Request
    external_id: JsonPath = "$.externalId"


class Purchase(Shape):
    """Where the client's purchases go, and how the backend says granted and not paid yet."""

    request: Request
    granted: Yes = Field(default_factory=lambda: Yes(status="2xx"))
    pending: Yes | None = None


class PortalSection(Shape):
    """What a profile says of one portal.

    products       single-unit products that the backend really sells; `profile` fills in the usual ones
    verify_reply   the dialect of the portal's verification that this backend reads; None for the default
    """

    game_id: Text | None = None
    shared_key: Text | None = None
    products: list[Text] = Field(default_factory=list, min_length=1)
    login: Login | None = None
    callback: Callback | None = None
    initiate: Initiate | None = None
    purchase: Purchase | None = None
    verify_reply: str | None = None


class Session(Shape):
    """Where the session is in the answer of a login."""

    from_: str = Field(alias="from")
    at: JsonPath | None = None
    cookie: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Session":
        if (self.at is None) == (self.cookie is None):
            raise ValueError("a session stands either `at` a JSONPath or in a `cookie`")
        return self


class Inventory(Shape):
    """How to read what a player owns: a request, a command or a query, and where product and count are.

    sql   a query with the bind parameter :user_id, whose rows are (product, count); `url` is the database's
    """

    request: Request | None = None
    command: list[Text] | None = None
    sql: str | None = None
    url: Text | None = None
    items: JsonPath = "$"
    product: str | None = None
    count: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Inventory":
        if sum(way is not None for way in (self.request, self.command, self.sql)) != 1:
            raise ValueError("is read by one of request, command and sql")
        if (self.sql is None) != (self.url is None):
            raise ValueError("needs sql and url together")
        return self


class Action(Shape):
    """Something that the backend can be made to do: by a request or by a command."""

    request: Request | None = None
    command: list[Text] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Action":
        if (self.request is None) == (self.command is None):
            raise ValueError("an action is a request or a command")
        return self


class Restart(Shape):
    """How to restart the backend: a command, or a URL to post to."""

    command: list[Text] | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Restart":
        if (self.command is None) == (self.url is None):
            raise ValueError("a restart is a command or a url")
        return self


class Sync(Shape):
    """How the backend is made to fetch the list of orders."""

    request: Request | None = None
    command: list[Text] | None = None
    every: Duration | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Sync":
        if sum(way is not None for way in (self.request, self.command, self.every)) != 1:
            raise ValueError("a sync is one of request, command and every")
        return self


class Start(Shape):
    """How to start the backend."""

    command: list[Text] = Field(min_length=1)
    env: dict[str, Text] = Field(default_factory=dict)
    cwd: str = "."
    health: PathText | None = None
    timeout: Duration = "20s"


class SandboxAddress(Shape):
    """A sandbox that runs already."""

    url: str
    control_url: str
    control_token: Text | None = None


class Tls(Shape):
    """The certificate authority of a staging backend."""

    ca: str


class Limits(Shape):
    """How long things may take with this backend."""

    answer: Duration = "10s"
    eventually: Duration = "8s"
    settle: Duration = "2s"
    key_cache: dict[str, Duration] = Field(default_factory=dict)

    @property
    def answer_s(self) -> float:
        """Longest time to an answer."""
        return parse_duration(self.answer)


class ProfileShape(Shape):
    """A profile without its portal sections."""

    format: Literal[1] = Field(alias="coinslot-profile")
    name: str = "backend"
    base_url: str
    headers: dict[str, Text] = Field(default_factory=dict)
    session: Session | None = None
    inventory: Inventory | None = None
    sync: Sync | None = None
    start: Start | None = None
    restart: Restart | None = None
    actions: dict[str, Action] = Field(default_factory=dict)
    sandbox: SandboxAddress | None = None
    tls: Tls | None = None
    limits: Limits = Field(default_factory=Limits)
    expect_capabilities: list[str] = Field(default_factory=list)
    refund_effect: Literal["deduct", "restrict", "none"] = "deduct"
    environment: Literal["production", "test"] = "test"
