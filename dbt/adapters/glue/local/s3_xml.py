"""XML of the S3 API: documents that requests bring, and answers."""

from typing import Any
from xml.etree import ElementTree

from werkzeug.wrappers import Request, Response

from .s3_body import UploadBody
from .s3_errors import S3Error

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MAXIMUM_XML = 4 * 1024 * 1024


def has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def document_of(request: Request) -> ElementTree.Element:
    """The XML that the request brings. S3Error MalformedXML."""
    text = b""
    for block in UploadBody(request).blocks():
        text += block
        if len(text) > _MAXIMUM_XML:
            raise S3Error("MalformedXML", "The XML you provided is too long")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise S3Error("MalformedXML", "The XML you provided was not well-formed") from error


def children_of(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return element.findall(f"{{*}}{name}")


def text_of(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""


def _fill(element: ElementTree.Element, content: Any) -> None:
    """A dict becomes elements, a list in it one element each; None is left out."""
    if not isinstance(content, dict):
        element.text = str(content).lower() if isinstance(content, bool) else str(content)
        return
    for name, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                _fill(ElementTree.SubElement(element, name), item)


def xml_answer(
    name: str, content: Any, *, status: int = 200, namespace: str = _NAMESPACE
) -> Response:
    """`content` is a text, or a dict of texts, dicts and lists of them."""
    root = ElementTree.Element(name, {"xmlns": namespace} if namespace else {})
    _fill(root, content)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, status=status, content_type="application/xml")


def error_response(request: Request, error: S3Error) -> Response:
    content = {"Code": error.code, "Message": error.message, **error.elements}
    content["Resource"] = request.path
    response = xml_answer("Error", content, status=error.status, namespace="")
    if request.method == "HEAD":
        response.set_data(b"")
    return response
