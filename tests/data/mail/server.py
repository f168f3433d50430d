"""A mail server for the stories: aiosmtpd with TLS, STARTTLS and AUTH, whose recipients say how it behaves.

Usage: server.py FOLDER tls|starttls|none CERTIFICATE KEY. Prints its port, then a line of JSON for each command that matters and each
letter that it takes, which is also written into FOLDER. Recipients that begin with "nobody" are refused, with "grey" put off once, and
the answer to the first letter for one that begins with "slow" never comes.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, encryption, certificate, key = sys.argv[1:5]
put_off, taken = set(), 0


def say(**what):
    print(json.dumps(what), flush=True)


def is_encrypted(server):
    return server.transport.get_extra_info("ssl_object") is not None


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        say(event="rcpt", to=address, encrypted=is_encrypted(server), signed_in=session.authenticated)
        if address.startswith("nobody"):
            return "550 5.1.1 No such user here"
        if address.startswith("grey") and address not in put_off:
            put_off.add(address)
            return "450 4.2.0 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global taken
        taken += 1
        with open(f"{folder}/{taken}.eml", "wb") as file:
            file.write(envelope.content)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(
            event="letter",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers={name: str(value) for name, value in letter.items()},
            defects=[str(defect) for part in letter.walk() for defect in part.defects],
            parts=[part.get_content_type() for part in letter.walk() if not part.is_multipart()],
            text=letter.get_body(("plain",)).get_content(),
            html=letter.get_body(("html",)).get_content(),
        )
        if envelope.rcpt_tos[0].startswith("slow") and taken == 1:
            await asyncio.sleep(3600)
        return "250 Message accepted as number %d" % taken


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"desk", b"hunter2")
    say(event="auth", mechanism=mechanism, right=right, encrypted=is_encrypted(server))
    return AuthResult(success=right, handled=False)


async def main():
    context = None
    if encryption != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

    def protocol():
        return SMTP(
            Handler(),
            hostname="mail.test",
            authenticator=authenticate,
            auth_require_tls=False,
            auth_exclude_mechanism=[],
            tls_context=context if encryption == "starttls" else None,
            require_starttls=encryption == "starttls",
        )

    loop = asyncio.get_running_loop()
    implicit = context if encryption == "tls" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
