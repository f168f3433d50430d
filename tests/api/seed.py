"""Makes a fresh appliance ready to be asked everything: an owner, an API key, a document, a conversation with an answer.

Writes into the folder of the run what the callers sign with and the ids of what is there, so that the
routes are also asked about things that exist:

    seed.py HOME ADDRESS SETUP_TOKEN     set up, and write HOME/CALLER.toml for each caller
    seed.py HOME ADDRESS --sign-in       write HOME/session.toml, with which to ask in a new session
"""

import json
import re
import sys
import time
from pathlib import Path

import requests

EMAIL, PASSWORD = "ada@example.com", "a long walk by the quiet river"
# Made of the workspace's name.
SLUG = "acme"
DOCUMENT = "# Opening hours\n\nThe shop is open from nine to five on weekdays. It is closed on Sundays.\n"
# What answers a request that its description allows: done, or not for this caller, or there is no such thing, or it clashes with
# what is there, or what another program would do was refused.
ACCEPTED = ["2xx", "304", "401", "403", "404", "409", "413", "415"]
# Calls with a rule that a schema cannot say, with the rule; their 400 names the field and what to write instead.
RULES = {
    "POST /api/v1/sessions": "an address is looked at as mail does",
    "POST /api/v1/sessions/challenge": "a code has to be right",
    "POST /api/v1/setup": "the token has to be right, and the password strong",
    "PUT /api/v1/me/password": "a password has to be strong",
    "POST /api/v1/me/mfa": "the password has to be right",
    "POST /api/v1/me/mfa/confirm": "a code has to be right",
    "POST /api/v1/me/mfa/recovery-codes": "password and code have to be right",
    "DELETE /api/v1/me/mfa": "password and code have to be right",
    "POST /api/v1/accounts": "an address is looked at as mail does",
    "POST /api/v1/appliance/key-rotation": "it has to be confirmed",
    "POST /api/v1/password-resets": "an address is looked at as mail does",
    "POST /api/v1/password-resets/redeem": "the token has to be right, and the password strong",
    "POST /api/v1/invitations": "an address is looked at as mail does, and a role has to exist",
    "POST /api/v1/invitations/look": "the token has to be right",
    "POST /api/v1/invitations/accept": "the token has to be right, and the password strong",
    "POST /api/v1/roles": "nobody gives more than he has",
    "PATCH /api/v1/roles/{id}": "nobody gives more than he has",
    "PATCH /api/v1/members/{account_id}": "a role has to exist",
    "POST /api/v1/api-keys": "a key ends in the future, and holds nothing that its maker lacks",
    "POST /api/v1/tenants": "a short name must not be a word that has a meaning of its own",
    "PATCH /api/v1/me": "names have letters",
    "PATCH /api/v1/tenants/{id}": "names have letters",
    "DELETE /api/v1/tenants/{id}": "the short name is typed to confirm",
    "POST /api/v1/tenants/import": "the body has to be an export",
    "PATCH /api/v1/workspace": "a colour must be readable on white and on black",
    "DELETE /api/v1/workspace": "short name and password are typed to confirm",
    "PUT /api/v1/budget": "a time zone has to exist",
    "GET /api/v1/usage": "the first day is not after the last",
    "POST /api/v1/messages/{message}/replay": "the provider has to be one of the settings",
    "PUT /api/v1/provider-keys/{provider}": "a key is what a header can carry",
    "PUT /api/v1/appliance/provider-keys/{provider}": "a key is what a header can carry",
    "POST /api/v1/conversations/{id}/messages": "a message says or shows something",
    "POST /api/v1/conversations/{id}/images": "the body has to be a picture",
    "PUT /api/v1/documents/by-name/{name}": "a name is a path below the workspace",
}
# What a key may never do.
NOT_FOR_KEYS = {"export_workspace", "erase_workspace", "manage_members"}


class Desk:
    """The appliance, asked as one caller."""

    def __init__(self, home: Path, address: str) -> None:
        self.address = address
        self.client = requests.Session()
        # No proxy, and no other authorities than the appliance's own.
        self.client.trust_env = False
        self.client.verify = str(home / "data" / "tls" / "authority.pem")

    def ask(self, method: str, path: str, expected=(200, 201, 202, 204), **rest):
        answer = self.client.request(method, self.address + path, timeout=60, **rest)
        if answer.status_code not in expected:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def sign_in(self) -> str:
        """The cookie of a new session, as a browser sends it."""
        answer = self.ask("POST", "/api/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
        return answer.headers["set-cookie"].split(";")[0]


def key_wish(desk: Desk, owner: dict) -> dict:
    """An API key that may do all that a key can."""
    listed = desk.ask("GET", "/api/v1/permissions", headers=owner)
    permissions = [one["permission"] for one in listed.json()["items"]]
    return {"name": "everything", "permissions": [one for one in permissions if one not in NOT_FOR_KEYS]}


def wait_for(what: str, look):
    """Looks until there is something to see."""
    for _ in range(300):
        found = look()
        if found:
            return found
        time.sleep(0.2)
    sys.exit(f"it never happened: {what}")


def seed(home: Path, address: str, token: str) -> None:
    desk = Desk(home, address)
    wish = {"token": token, "name": "Ada", "email": EMAIL, "password": PASSWORD, "workspace_name": "Acme"}
    owner = {"Cookie": desk.ask("POST", "/api/v1/setup", json=wish).headers["set-cookie"].split(";")[0]}
    key = desk.ask("POST", "/api/v1/api-keys", json=key_wish(desk, owner), headers=owner).json()
    kind = {"Content-Type": "text/markdown", **owner}
    put = desk.ask("PUT", "/api/v1/documents/by-name/hours.md", data=DOCUMENT, headers=kind).json()
    document = put["id"]

    def is_read():
        return desk.ask("GET", f"/api/v1/documents/{document}", headers=owner).json()["state"] == "ready"

    wait_for("the document is read", is_read)
    visitor = desk.ask("POST", f"/api/v1/widget/{SLUG}/visitors", json={}).json()
    as_visitor = {"Authorization": f"Bearer {visitor['token']}"}
    conversation = desk.ask("POST", "/api/v1/conversations", json={}, headers=as_visitor).json()["id"]
    path = f"/api/v1/conversations/{conversation}/messages"
    desk.ask("POST", path, json={"text": "When is the shop open?"}, headers=as_visitor)

    def answer():
        items = desk.ask("GET", path, headers=as_visitor).json()["items"]
        return next((one for one in items if one.get("answer")), None)

    answered = wait_for("the question is answered", answer)
    things = {
        "path.workspace": SLUG,
        "path.message": answered["id"],
        "path.number": 1,
        "path.provider": "spare",
    }
    members = desk.ask("GET", "/api/v1/members", headers=owner).json()
    ids = {
        "api-keys": key["key"]["id"],
        "documents": document,
        "conversations": conversation,
        "members": members["items"][0]["account_id"],
    }
    # How each signs, in the words of the description's security schemes.
    callers = {
        "nobody": "",
        "owner": session_of(owner["Cookie"]),
        "key": f'[auth.openapi.bearer]\nbearer = "{key["secret"]}"\n',
        "visitor": f'[auth.openapi.bearer]\nbearer = "{visitor["token"]}"\n',
    }
    for name, signs in callers.items():
        # An owner makes further workspaces as he is asked to, and must then say which one he means.
        slugs = {"Frontdesk-Workspace": SLUG} if name == "owner" else {}
        (home / f"{name}.toml").write_text(settings(slugs, things, ids) + signs)


def session_of(cookie: str) -> str:
    """The settings of who signs with a session."""
    return f'[auth.openapi.session]\napi_key = "{cookie.split("=", 1)[1]}"\n'


def settings(headers: dict, things: dict, ids: dict) -> str:
    """What schemathesis is to know when it asks as one caller."""
    quoted = json.dumps
    lines = ["color = false"]
    if headers:
        lines.append("[headers]")
        lines += [f"{quoted(name)} = {quoted(value)}" for name, value in headers.items()]
    lines.append("[parameters]")
    lines += [f"{quoted(name)} = {quoted(value)}" for name, value in things.items()]
    lines.append("[checks.positive_data_acceptance]")
    lines.append(f"expected-statuses = {quoted(ACCEPTED)}")
    for name in RULES:
        # The dots and braces of a path stand for themselves.
        pattern = "^" + re.sub(r"([.{}])", r"\\\1", name) + "$"
        lines += ["[[operations]]", f"include-name-regex = {quoted(pattern)}"]
        lines += ["[operations.checks.positive_data_acceptance]", f"expected-statuses = {quoted([*ACCEPTED, '400'])}"]
    for room, one in ids.items():
        # The things themselves, not those below or beside them.
        lines += ["[[operations]]", f'include-path-regex = "^/api/v1/{room}/\\\\{{"', "[operations.parameters]"]
        lines += [f'"path.id" = {quoted(one)}', f'"path.account_id" = {quoted(one)}']
        lines += [f"{quoted(name)} = {quoted(value)}" for name, value in things.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    home, address, last = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if last == "--sign-in":
        session = session_of(Desk(home, address).sign_in())
        (home / "session.toml").write_text(settings({"Frontdesk-Workspace": SLUG}, {}, {}) + session)
    else:
        seed(home, address, last)
