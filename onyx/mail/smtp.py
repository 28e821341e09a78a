"""Handing a mail over (RFC 5321, RFC 8314): `smtps://` from the first byte, `smtp://` with STARTTLS where it is offered."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from onyx.identity.addresses import is_address

from .kinds import Message

SECONDS = 15
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Undeliverable(Exception):
    """The server refused for good: trying again cannot help."""


class NotNow(Exception):
    """The server did not answer, or asked to come back later."""


def send(url: str, sender: str, message: Message) -> None:
    """Send one mail. Raises Undeliverable and NotNow; neither carries what the mail says."""
    letter = _letter(sender, message)
    try:
        with _connect(url) as server:
            server.send_message(letter)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise (Undeliverable if all(code >= 500 for code in codes) else NotNow)("the receiver was refused") from None
    except smtplib.SMTPResponseException as error:
        permanent = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError)
        raise (Undeliverable if permanent else NotNow)(f"the server answered {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotNow(type(error).__name__) from None


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, secure = parts.hostname or "localhost", parts.scheme == "smtps"
    server: smtplib.SMTP
    if secure:
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            secure = True
    if parts.username:
        if not secure and host not in _LOCAL:
            server.close()
            raise smtplib.SMTPNotSupportedError("a password is not sent in the clear: the server offers no STARTTLS")
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def _letter(sender: str, message: Message) -> EmailMessage:
    letter = EmailMessage()
    if not is_address(message.to, labels=1):  # text with a comma would be two receivers
        raise Undeliverable("the receiver's address is none")
    name, _, domain = message.to.partition("@")
    letter["To"] = Address(username=name, domain=domain)
    letter["From"], letter["Subject"] = sender, message.subject
    letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="onyx")
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    return letter
