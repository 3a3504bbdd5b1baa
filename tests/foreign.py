"""Bodies with status 200 that say nothing of what was asked: captive portals, proxies and other services send them."""

import gzip

_PAGE = b"<html><head><title>Sign in</title></head><body><ul><li>Buckets</li></ul></body></html>"
_XHTML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
    b'"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>'
)
BODIES: dict[str, bytes] = {
    "a web page": b"<!DOCTYPE html>\n" + _PAGE,
    "XHTML behind a prolog": _XHTML,
    "a page behind comments": b"<!-- <ListAllMyBucketsResult> --><!-- x -->" + _PAGE,
    "another service's XML": b"<ListPipelinesResponse><Pipelines/></ListPipelinesResponse>",
    "another service's JSON": b'{"pipelines":[],"nextLink":"","kind":"PipelineList","apiVersion":"v9","metadata":{}}',
    "nothing in an element": b"<Nothing/>",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "no byte": b"",
    "gzip": gzip.compress(b'{"value":[]}', mtime=0),
    "a text": b"OK\n",
    "an error in XML": b"<Error><Code>AccessDenied</Code><Message>x</Message></Error>",
    "an error in JSON": (
        b'{"__type":"AccessDeniedException","error":{"code":"Forbidden","message":"x"},"kind":"Status",'
        b'"apiVersion":"v1","metadata":{},"status":"Failure","reason":"Forbidden","code":403}'
    ),
    "half of an object": b'{"value":[{"id":"/subscriptions/0","na',
    "half of a document": b'<?xml version="1.0"?><ListAllMyBucketsResult><Buckets><Bucket><Na',
    "another encoding": '<?xml version="1.0" encoding="UTF-16"?><html><body/></html>'.encode("utf-16"),
    "JSON in another encoding": '{"value":[]}'.encode("utf-16"),
    "null": b"null",
}
