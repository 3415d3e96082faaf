"""What StoreFront answers: a store, its authentication service, and the ways to log on."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, unescape

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.standins.web import Reply, Request

REALM = "d5c937a6-a09d-4805-adbb-ff92208f7466"  # of the store
TOKEN_REALM = "6b78ab94-a709-4e3a-8b9b-a49ca317c70c"  # of the token service
NAMESPACE = "http://citrix.com/delivery-services/1-0/auth/"  # [STS]
FORMS = "http://citrix.com/authentication/response/1"  # [Language]
STORE = "/Citrix/Store/resources/v2"
TOKEN = "/Citrix/StoreAuth/auth/v1/token"  # [STS]
PROTOCOLS = "/Citrix/StoreAuth/auth/v1/protocols"  # [STS]
CERTIFICATE = "/Citrix/StoreAuth/Certificate/Authenticate"  # [?]
BASIC, START = "/Citrix/StoreAuth/HttpBasic/Authenticate", "/Citrix/StoreAuth/ExplicitForms/Start"
POST_BACK = "/Citrix/StoreAuth/ExplicitForms/AuthenticateWithForm"
NOTICE = "/Citrix/StoreAuth/ExplicitForms/Acknowledge"


@dataclass(slots=True)
class Quirks:
    """Deviations from the plain case, each seen in a document or left open by it.

    Attributes:
        spelling: of challenges: plain, comma (a space before it), missing (no comma at all), unquoted (the hint), space
            (at the beginning of the realm), folded (over lines), crowd (of challenges).
        template: what token requests must echo; "empty for current implementations" [C].
        primary_reasons, service_reasons: with which the next tokens are refused, in turn.
        form: of the logon: plain, domain (a field of its own), passcode, newpassword, second (a passcode afterwards),
            notice (to be acknowledged afterwards), update (of the password), fail, cancelled, success (without a token,
            first).
        status: of the form after a password; not "success": something of the service.
        elsewhere: what answers instead: page (a gateway's), redirect (to one), web (Receiver for Web's own scheme).
        clock_ahead: of the server, in the times of its tokens.
    """

    spelling: str = "plain"
    template: str = ""
    primary_reasons: list[str] = field(default_factory=list)
    service_reasons: list[str] = field(default_factory=list)
    form: str = "plain"
    status: str = "success"
    offered: tuple[str, ...] = ("ExplicitForms", "HttpBasic")
    dead_first_location: bool = False
    foreign_location: str = ""
    relative_choices: bool = False
    unknown_children: bool = False
    no_namespace: bool = False
    lying_lifetime: bool = False
    no_expiry: bool = False
    choices_as_200: bool = False
    elsewhere: str = ""
    clock_ahead: timedelta = timedelta(0)
    password_ends: str = ""
    basic_status: int | None = None
    basic_reason: str = ""
    certificate_status: int | None = None
    refuses_no_encoding: bool = True  # [C] sends `Content-Encoding: utf-8`; whether servers need it is open [?]


@dataclass
class StoreFront:
    """One deployment with one store.

    Attributes:
        certified: whom certificates may name.
        posts: user and password of each logon that reached it, whatever came of it.
        shown: whom the certificate named at each logon by one; empty where none was shown.
        asked: method and path of each request.
    """

    now: Callable[[], datetime]
    base: str = "https://sf.example"
    users: dict[str, str] = field(default_factory=lambda: {"EXAMPLE\\svc": "CANARY-pw"})
    certified: set[str] = field(default_factory=lambda: {"svc.example.com"})
    quirks: Quirks = field(default_factory=Quirks)
    primary_life: timedelta = timedelta(hours=20)  # [STS] examples; the console's default
    service_life: timedelta = timedelta(hours=1)  # [STS] example
    posts: list[tuple[str, str]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)
    services: dict[str, datetime] = field(default_factory=dict)
    _primaries: dict[str, datetime] = field(default_factory=dict)
    _sessions: dict[str, str] = field(default_factory=dict)
    _counter: int = 0

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        self.asked.append((request.method, request.path))
        if self.quirks.elsewhere:
            return _ELSEWHERE[self.quirks.elsewhere]
        routes = {
            STORE: self._store,
            TOKEN: self._token,
            PROTOCOLS: self._protocols,
            BASIC: self._basic,
            CERTIFICATE: self._certificate,
            START: self._start,
            POST_BACK: self._posted,
            NOTICE: self._acknowledged,
        }
        answer = routes.get(request.path)
        return Reply(404, {}) if answer is None else answer(request)

    def forget_primaries(self) -> None:
        """End all primary tokens, as a restart of the authentication service may."""
        self._primaries.clear()

    def _store(self, request: Request) -> Reply:
        """[Store]: resources need a token; [C]: the challenge says where to get one."""
        token = _token_of(request)
        if token is None:
            return self._challenge("notoken", REALM, TOKEN, "/Citrix/Store")
        if self.quirks.service_reasons:
            return self._challenge(self.quirks.service_reasons.pop(0), REALM, TOKEN, "/Citrix/Store")
        if self.services.get(token, self.now()) <= self.now():
            return self._challenge(
                "expired" if token in self.services else "invalidtoken", REALM, TOKEN, "/Citrix/Store"
            )
        return Reply(200, {"Content-Type": "application/vnd.citrix.resources+xml"}, b"<resources/>")

    def _token(self, request: Request) -> Reply:
        """[STS]: needs a primary token of its own realm; takes requesttoken and destroytoken."""
        token = _token_of(request)
        if token is None:
            return self._challenge("notoken", TOKEN_REALM, PROTOCOLS, "/Citrix/StoreAuth")
        if self.quirks.primary_reasons:
            return self._challenge(self.quirks.primary_reasons.pop(0), TOKEN_REALM, PROTOCOLS, "/Citrix/StoreAuth")
        if self._primaries.get(token, self.now()) <= self.now():
            return self._challenge(
                "expired" if token in self._primaries else "invalidtoken", TOKEN_REALM, PROTOCOLS, "/Citrix/StoreAuth"
            )
        if request.headers["content-type"] == "application/vnd.citrix.destroytoken+xml":
            self.destroyed.append(_element(request.body, "token"))
            return _xml("destroytokenresponse", "<status>destroyed</status>")
        return self._checked(request, REALM, STORE) or self._issue(REALM, self.services, self.service_life)

    def _protocols(self, request: Request) -> Reply:
        """[STS]: without authorization; the choices, as 300 Multiple Choices."""
        places = {"HttpBasic": BASIC, "ExplicitForms": START, "Certificate": CERTIFICATE}
        base = "" if self.quirks.relative_choices else self.base
        choices = "".join(
            f"<choice><protocol>{name}</protocol><location>{base}{places.get(name, '/none')}</location></choice>"
            for name in self.quirks.offered
        )
        status = 200 if self.quirks.choices_as_200 else 300
        refused = self._checked(request, TOKEN_REALM, TOKEN)
        return refused or self._message("requesttokenchoices", f"<choices>{choices}</choices>", status)

    def _checked(self, request: Request, realm: str, path: str) -> Reply | None:
        """[C]: for-service is the realm, for-service-url the URL first called and not the hint, the template echoed."""
        if request.headers.get("content-type") != "application/vnd.citrix.requesttoken+xml":
            return Reply(415, {})
        if "application/vnd.citrix.requesttokenresponse+xml" not in request.headers.get("accept", ""):
            return Reply(406, {})  # [Store]
        if self.quirks.refuses_no_encoding and request.headers.get("content-encoding") != "utf-8":
            return Reply(415, {})
        body = request.body
        wanted = (realm, self.base + path, self.quirks.template)
        told = (_element(body, "for-service"), _element(body, "for-service-url"), _element(body, "reqtokentemplate"))
        return None if told == wanted and b"<reqtokentemplate>" in body else Reply(400, {})

    def _basic(self, request: Request) -> Reply:
        """[?]: HTTP Basic by IIS, then the token."""
        pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        user, _, password = pair.partition(":")
        self.posts.append((user, password))
        if self.quirks.basic_status:
            return Reply(self.quirks.basic_status, {"Retry-After": "30"}, b"<html>")
        if self.users.get(user) != password:
            reason = f', CitrixAuth realm="{TOKEN_REALM}", reason="{self.quirks.basic_reason}"'
            return Reply(401, {"WWW-Authenticate": f'Basic realm="sf"{reason if self.quirks.basic_reason else ""}'})
        return self._checked(request, TOKEN_REALM, TOKEN) or self._primary()

    def _certificate(self, request: Request) -> Reply:
        """[?]: IIS wants a client certificate on this path (403.7), and one that it maps to an account."""
        named = _named(request.certificate)
        self.shown.append(named)
        if self.quirks.certificate_status:
            return Reply(self.quirks.certificate_status, {"Retry-After": "30"}, b"<html>")
        if named not in self.certified:
            return Reply(403, {"Content-Type": "text/html"}, b"<html>403.7")
        return self._checked(request, TOKEN_REALM, TOKEN) or self._primary()

    def _start(self, request: Request) -> Reply:
        """[Forms]: a requesttoken begins the loop; cookies hold the session."""
        session = _session(request)
        if session in self._sessions:
            return self._primary()
        refused = self._checked(request, TOKEN_REALM, TOKEN)
        return refused or self._form("more-info", cookie=True)

    def _posted(self, request: Request) -> Reply:
        """[Forms]: the reply, url-encoded; a wrong password is 200, success, more-info and a label of type error."""
        sent = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        user = f"{sent['domain']}\\{sent['username']}" if "domain" in sent else sent["username"]
        self.posts.append((user, sent["password"]))
        session = _session(request)
        if self.quirks.status != "success":
            return self._form("more-info", status=self.quirks.status)
        if session is None or sent["StateContext"] != "state-1" or sent.get("loginBtn") != "Anmelden & los":
            return self._form("more-info", status="error-state-context-invalid")
        if self.users.get(user) != sent["password"]:
            return self._form("more-info", error=True)
        return self._logged_on(session)

    def _logged_on(self, session: str) -> Reply:
        match self.quirks.form:
            case "second":
                return self._form("more-info", fields=_text("passcode", "passcode", secret=True))
            case "update":
                return self._form("update-credentials")
            case "fail" | "cancelled":
                return self._form(self.quirks.form)
            case "notice":
                return self._form("more-info", fields=_button("ok", "OK"), post_back=NOTICE)
            case "success":
                self._sessions[session] = "in"
                return self._form("success", fields="")
        return self._primary()

    def _acknowledged(self, request: Request) -> Reply:
        return self._primary() if b"ok=OK" in request.body else Reply(400, {})

    def _form(  # noqa: PLR0913 - one form, as it differs from the plain one
        self,
        result: str,
        *,
        status: str = "success",
        fields: str | None = None,
        post_back: str = POST_BACK,
        error: bool = False,
        cookie: bool = False,
    ) -> Reply:
        """[Language]: an AuthenticateResponse; captions are localised."""
        shown = _logon(self.quirks.form) if fields is None else fields
        shown = (_label("error", "Benutzername oder Kennwort falsch") if error else "") + shown
        body = (
            f'<AuthenticateResponse xmlns="{FORMS}"><Status>{status}</Status><Result>{result}</Result>'
            f"<StateContext>state-1</StateContext><AuthenticationRequirements><PostBack>{post_back}</PostBack>"
            f"<CancelPostBack>/cancel</CancelPostBack><Requirements>{shown}</Requirements>"
            "</AuthenticationRequirements></AuthenticateResponse>"
        )
        headers = {"Content-Type": "application/vnd.citrix.authenticateresponse-1+xml"}
        if cookie:
            self._counter += 1
            headers["Set-Cookie"] = (
                f"ASP.NET_SessionId=s{self._counter}; path=/; expires=Thu, 01 Jan 2099 00:00:00 GMT; HttpOnly, "
                "Citrix_AuthSvc=x; Secure"
            )
        return Reply(200, headers, body.encode())

    def _primary(self) -> Reply:
        return self._issue(TOKEN_REALM, self._primaries, self.primary_life)

    def _issue(self, realm: str, kept: dict[str, datetime], life: timedelta) -> Reply:
        """[STS]: a requesttokenresponse; times with seven digits, extensible."""
        self._counter += 1
        token, now = f"H4sICANARYsf{self._counter}==", self.now() + self.quirks.clock_ahead
        kept[token] = self.now() + life
        body = f"<for-service>{realm}</for-service>"
        if not self.quirks.no_expiry:
            body += f"<issued>{_time(now)}</issued><expiry>{_time(now + life)}</expiry>"
        body += f"<lifetime>{'0.00:05:00' if self.quirks.lying_lifetime else _span(life)}</lifetime>"
        if self.quirks.unknown_children:
            body += "<extension xmlns='urn:x'><deep>yes</deep></extension>"
        if self.quirks.password_ends:
            body += (
                f'<CredentialUpdateInformationList xmlns="{FORMS}"><CredentialUpdateInformation>'
                "<CredentialDisplayName>Domain password</CredentialDisplayName>"
                f"<ExpiryTime>{self.quirks.password_ends}</ExpiryTime></CredentialUpdateInformation>"
                "</CredentialUpdateInformationList>"
            )
        return self._message("requesttokenresponse", f"{body}<token-template></token-template><token>{token}</token>")

    def _message(self, name: str, body: str, status: int = 200) -> Reply:
        space = "" if self.quirks.no_namespace else f' xmlns="{NAMESPACE}{name}"'
        return _xml(name, body, status, space)

    def _challenge(self, reason: str, realm: str, location: str, root: str) -> Reply:
        """[C]: 401 with the parameters of the scheme, in one of the spellings of the samples.

        The hint is never a URL that is called: whoever asks for a token for it is refused.
        """
        places = [self.base + location]
        if self.quirks.dead_first_location:
            places.insert(0, f"{self.base}/dead")
        if self.quirks.foreign_location:
            places = [self.quirks.foreign_location]
        hint = f"{self.base}{root}"
        parts = [
            f'realm="{realm}"',
            f'reqtokentemplate="{self.quirks.template}"',
            f'reason="{reason}"',
            f'locations="{"|".join(places)}"',
            f'serviceroot-hint="{hint}"',
        ]
        match self.quirks.spelling:
            case "comma":
                text = " , ".join(parts)
            case "missing":
                text = " ".join(parts)
            case "unquoted":
                text = ", ".join([*parts[:-1], f"serviceroot-hint={hint}"])
            case "space":
                text = ", ".join([f'realm=" {realm}"', *parts[1:]])
            case "folded":
                text = ",\r\n      ".join(parts)
            case "crowd":
                text = ", ".join(parts)
                return Reply(401, {"WWW-Authenticate": f'Negotiate, NTLM, CitrixAuth {text}, Basic realm="x, y"'})
            case _:
                text = ", ".join(parts)
        return Reply(401, {"WWW-Authenticate": f"CitrixAuth {text}"})


_ELSEWHERE = {
    "page": Reply(200, {"Content-Type": "text/html"}, b"<html><meta http-equiv=refresh content='0;url=/vpn'>"),
    "redirect": Reply(302, {"Location": "https://gateway.example/vpn/index.html", "Content-Type": "text/html"}),
    "web": Reply(  # [StoreWeb]: a challenge of its own on a 200
        200,
        {
            "Content-Type": "application/json",
            "CitrixWebReceiver-Authenticate": 'reason="TokenRequired", location="Authentication/GetAuthMethods"',
        },
        b'{"unauthorized": true}',
    ),
}


def _logon(form: str) -> str:
    fields = _label("heading", "Anmelden") + _text("username", "username") + _text("password", "password", secret=True)
    if form == "domain":
        fields += (
            "<Requirement><Credential><ID>domain</ID><Type>domain</Type></Credential><Label><Type>plain</Type></Label>"
            "<Input><ComboBox><InitialSelection>OTHER</InitialSelection><DisplayValues><DisplayValue>"
            "<Display>Example</Display><Value>EXAMPLE</Value></DisplayValue></DisplayValues></ComboBox></Input></Requirement>"
        )
    if form in {"passcode", "newpassword"}:
        fields += _text(form, form, secret=True)
    fields += (
        "<Requirement><Credential><ID>saveCredentials</ID><Type>savecredentials</Type></Credential>"
        "<Label><Text>Merken</Text><Type>plain</Type></Label>"
        "<Input><CheckBox><InitialValue>true</InitialValue></CheckBox></Input></Requirement>"
    )
    return fields + _button("loginBtn", "Anmelden &amp; los") + _button("cancelBtn", "Abbrechen")


def _label(kind: str, text: str) -> str:
    return (
        "<Requirement><Credential><Type>none</Type></Credential>"
        f"<Label><Text>{text}</Text><Type>{kind}</Type></Label><Input/></Requirement>"
    )


def _text(name: str, kind: str, *, secret: bool = False) -> str:
    return (
        f"<Requirement><Credential><ID>{name}</ID><SaveID>x-{name}</SaveID><Type>{kind}</Type></Credential>"
        f"<Label><Text>{name}:</Text><Type>plain</Type></Label><Input><AssistiveText>x</AssistiveText><Text>"
        f"<Secret>{str(secret).lower()}</Secret><ReadOnly>false</ReadOnly><InitialValue/></Text></Input></Requirement>"
    )


def _button(name: str, caption: str) -> str:
    return (
        f"<Requirement><Credential><ID>{name}</ID><Type>none</Type></Credential><Label><Type>none</Type></Label>"
        f"<Input><Button>{caption}</Button></Input></Requirement>"
    )


def _xml(name: str, body: str, status: int = 200, space: str = "") -> Reply:
    text = f'<?xml version="1.0" encoding="utf-8"?><{name}{space}>{body}</{name}>'
    return Reply(status, {"Content-Type": f"application/vnd.citrix.{name}+xml"}, text.encode())


def _element(body: bytes, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", body.decode())
    return unescape(found[1]) if found else ""


def _token_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "CitrixAuth" else None


def _named(certificate: bytes | None) -> str:
    if certificate is None:
        return ""
    subject = x509.load_der_x509_certificate(certificate).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _session(request: Request) -> str | None:
    found = re.search(r"ASP\.NET_SessionId=(\w+)", request.headers.get("cookie", ""))
    return found[1] if found and "Citrix_AuthSvc=x" in request.headers["cookie"] else None


def _time(moment: datetime) -> str:
    return escape(f"{moment:%Y-%m-%dT%H:%M:%S.%f}1Z")


def _span(life: timedelta) -> str:
    seconds = int(life.total_seconds())
    return f"{seconds // 86400}.{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
