"""Every dialect of Jogos: what its document leaves open or says in two ways, and each way in one sentence.

In the order of the document: key and token of the user system, notification (sections 1 and 4), arrivedorder
(section 2), getOrders (section 3), and what the answers of both have in common.
"""

from collections.abc import Mapping
from typing import Final

from coinslot_contracts.dialects import Dialect
from coinslot_contracts.order_ids import ORDER_ID_FORM

KEYS: Final[Mapping[str, Dialect]] = {
    "key_form": Dialect(
        clause="sandbox:key-form",
        variants={
            "pem": "The key is PEM: header, newline, Base64 on one line, newline, footer, nothing after it.",
            "pem-trailing-newline": "The same PEM, and a newline after the footer.",
            "pem-64-columns": "PEM with its Base64 wrapped at 64 characters.",
            "pem-64-columns-trailing-newline": "The same wrapped PEM, and a newline after the footer.",
            "pem-crlf": "PEM with its Base64 on one line between two CRLF.",
            "pem-without-newlines": "Header, Base64 and footer directly after one another.",
            "pem-spaces": "A space in place of each newline.",
            "pem-backslash-n": "A backslash and the letter n in place of each newline.",
            "pem-pkcs1": "PEM of the RSA key alone, with BEGIN RSA PUBLIC KEY.",
            "bare-base64": "Base64 of SubjectPublicKeyInfo alone.",
        },
    ),
    "key_document": Dialect(
        clause="sandbox:key-document",
        variants={
            "data": "publicKey.json is an object with the key's text in data.",
            "envelope": "The same object begins with code and text, as the portal's other answers do.",
            "public-key": "The key's text stands in publicKey, as at a sibling portal.",
            "nested": "data is an object with the key's text in publicKey.",
            "bare-text": "There is no JSON: the body is the key's text, as text/plain.",
        },
    ),
    "key_encoding": Dialect(
        clause="sandbox:key-encoding",
        variants={
            "plain": "publicKey.json is UTF-8 and not compressed.",
            "byte-order-mark": "It begins with a byte order mark.",
            "gzip": "It is compressed wherever the caller's Accept-Encoding names gzip.",
        },
    ),
}

TOKENS: Final[Mapping[str, Dialect]] = {
    "token_header": Dialect(
        clause="sandbox:no-kid",
        variants={
            "alg": "The token's header names the algorithm and nothing else, as the sample's does.",
            "alg-typ": "It also says typ JWT.",
            "alg-typ-kid": "It also says typ JWT and a kid, though publicKey.json names no key.",
        },
    ),
    "token_lifetime": Dialect(
        clause="sandbox:token-lifetime-1h",
        variants={
            "one-hour": "exp is iat and 3,600 s.",
            "thousand-hours": "exp is iat and 3,600,000 s, as in the sample.",
            "endless": "There is no exp.",
        },
    ),
    "token_times": Dialect(
        clause="sandbox:token-times",
        variants={
            "seconds": "iat and exp are seconds since 1970.",
            "milliseconds": "iat and exp are milliseconds since 1970.",
        },
    ),
    "token_user": Dialect(
        clause="sandbox:token-user",
        variants={
            "text": "sub is the user as JSON text.",
            "object": "sub is the user as a JSON object.",
            "flat": "There is no sub: the user stands among the claims, as the Node sample reads it.",
        },
    ),
    "token_ids": Dialect(
        clause="sandbox:token-ids",
        variants={
            "text": "userId and gameId in the token are strings.",
            "number": "Both are numbers.",
            "game-number": "userId is a string, gameId a number, as the client library gives them.",
        },
    ),
    "token_jti": Dialect(
        clause="sandbox:token-jti",
        variants={
            "text": "jti is a 19-digit number as a string, another one in each token.",
            "number": "jti is that number itself, too large for a double.",
            "absent": "There is no jti.",
            "repeated": "Every token has the same jti.",
        },
    ),
    "token_issuer": Dialect(
        clause="sandbox:token-issuer",
        variants={
            "sample": "iss is com:jogos:sdk, as in the sample.",
            "absent": "There is no iss.",
        },
    ),
    "token_audience": Dialect(
        clause="sandbox:token-issuer",
        variants={
            "absent": "There is no aud, as in the sample.",
            "game-id": "aud is the game's id.",
        },
    ),
}

TIMES: Final = {
    "seconds": "Times are seconds since 1970.",
    "milliseconds": "Times are milliseconds since 1970.",
    "text": "Times are seconds since 1970 as strings.",
    "date-and-time": "Times are strings such as 2025-08-20 02:31:38, in UTC.",
}
EMPTY_REFUND_FIELDS: Final = {
    "null": "refundStatus and refundTime are null where there is nothing to tell.",
    "absent": "They are left out there.",
    "empty-text": "They are empty strings there.",
    "zero": "They are 0 there, though 0 also means refunding.",
    "null-text": 'They are the string "null" there.',
}

NOTICES: Final[Mapping[str, Dialect]] = {
    "notice_paytype": Dialect(
        clause="sandbox:paytype-present",
        variants={
            "present": "paytype is pay or refund, as in the table.",
            "absent": "There is no paytype, as in the example; refundStatus tells a refund.",
            "camel-case": "The member is called payType.",
            "upper-case": "paytype is PAY or REFUND.",
            "always-pay": "paytype is pay in a refund's notification too; refundStatus tells a refund.",
        },
    ),
    "notice_ids": Dialect(
        clause="sandbox:callback-ids",
        variants={
            "number": "gameId and userId are numbers, as in the table.",
            "text": "gameId and userId are strings, as in the token.",
        },
    ),
    "notice_arrived": Dialect(
        clause="sandbox:arrived-status",
        variants={
            "as-reported": "arrivedStatus is 1 once arrivedorder was called, 0 before.",
            "delivered": "arrivedStatus is 1 from the first on, as a client that delivers makes it.",
        },
    ),
    "notice_times": Dialect(clause="sandbox:times-in-seconds", variants=TIMES),
    "notice_refund": Dialect(
        clause="sandbox:refund-fields",
        variants={
            "status-and-time": "A refund's notification has refundStatus and refundTime.",
            "status-only": "refundTime stays empty.",
            "time-only": "refundStatus stays empty.",
            "neither": "Both stay empty; paytype alone tells a refund.",
        },
    ),
    "notice_empty": Dialect(clause="sandbox:empty-refund-fields", variants=EMPTY_REFUND_FIELDS),
    "notice_extra": Dialect(
        clause="sandbox:no-extra-members",
        variants={
            "absent": "A notification has the documented members and no others.",
            "present": "It also has gameName, currency, paid and channel.",
        },
    ),
    "notice_spelling": Dialect(
        clause="sandbox:callback-post-json",
        variants={
            "compact": "The body is JSON without spaces, in UTF-8.",
            "spaced": "There is a space after each comma and colon.",
            "indented": "The body stands on several lines, two spaces deep.",
            "sorted": "The members are sorted by name.",
            "reversed": "The members stand in reverse order.",
            "escaped": "Characters are written as \\u escapes.",
            "slash_escaped": "Every slash is written as \\/.",
            "trailing_newline": "One newline follows the body.",
            "gzip": "The body is compressed, and the signature covers the compressed bytes.",
            "byte_order_mark": "A byte order mark comes before the body.",
            "decimal_point": "Whole numbers are written as 1.0.",
        },
    ),
    "notice_content_type": Dialect(
        clause="sandbox:callback-post-json",
        variants={
            "json": "Content-Type is application/json.",
            "json-charset": "Content-Type is application/json; charset=utf-8.",
            "text": "Content-Type is text/plain.",
            "absent": "There is no Content-Type.",
        },
    ),
    "notice_signature": Dialect(
        clause="sandbox:signature-spelling",
        variants={
            "lower-case": "The signature is 40 lowercase hexadecimal digits and nothing else.",
            "upper-case": "Its digits are upper-case.",
            "scheme-word": "The word Signature and a space come before it, as at a sibling portal.",
        },
    ),
    "notice_header_names": Dialect(
        clause="sandbox:signature-spelling",
        variants={
            "capitals": "Header names are written as documented, Authorization.",
            "lower-case": "Header names are lower-case, as after a proxy that speaks HTTP/2.",
        },
    ),
    "refund_notices": Dialect(
        clause="sandbox:refund-only-success-notified",
        variants={
            "completed": "Only a completed refund is notified by itself.",
            "all": "A refund is notified in each of its states, 0 to 3.",
        },
    ),
    "order_id_form": ORDER_ID_FORM,
}

ARRIVED: Final[Mapping[str, Dialect]] = {
    "arrived_order_id": Dialect(
        clause="sandbox:order-id-string",
        variants={
            "text": "arrivedorder takes orderId as a string, as in the example; a number is 305.",
            "number": "It takes a number, as in the table; a string is 305.",
            "text-or-number": "It takes both.",
        },
    ),
    "arrived_unknown": Dialect(
        clause="sandbox:order-unknown-500",
        variants={
            "500": "An order that is unknown, unpaid or another game's is 500.",
            "305": "Such an order is 305.",
            "40001": "Such an order is 40001.",
            "41001": "Such an order is 41001, which is in no list of the document.",
        },
    ),
    "arrived_repeat": Dialect(
        clause="sandbox:arrived-repeat-ok",
        variants={
            "accepted": "Reporting an order once more is 200.",
            "refused": "Reporting an order once more is 500.",
        },
    ),
    "arrived_refunded": Dialect(
        clause="sandbox:arrived-refunded-ok",
        variants={
            "accepted": "Reporting a refunded order is 200.",
            "refused": "Reporting a refunded order is 500.",
        },
    ),
    "arrived_before_ack": Dialect(
        clause="sandbox:arrived-before-ack",
        variants={
            "accepted": "An order can be reported before its notification is acknowledged.",
            "refused": "Until a notification of the order is acknowledged, reporting it is 500.",
        },
    ),
}

ORDERS: Final[Mapping[str, Dialect]] = {
    "orders_answer": Dialect(
        clause="sandbox:orders-answer-shape",
        variants={
            "example": "The page and its content stand in page, after code and msg, as in the example.",
            "table": "Everything stands side by side, with message in place of msg, as in the table.",
            "flat": "Everything stands side by side, with code and msg as in the example.",
            "both": "The page stands in page and side by side with it, with msg and message.",
        },
    ),
    "orders_code": Dialect(
        clause="sandbox:orders-answer-shape",
        variants={
            "code": "code is 200, as in the example and in every other answer.",
            "word": "code is SUCCESS, as in the table.",
        },
    ),
    "orders_empty": Dialect(
        clause="sandbox:page-past-end",
        variants={
            "list": "content is an empty list where there is nothing.",
            "null": "content is null there.",
            "absent": "There is no content there.",
        },
    ),
    "orders_past_end": Dialect(
        clause="sandbox:page-past-end",
        variants={
            "empty": "A page past the end is 200 and holds nothing.",
            "last-page": "The last page is answered in its place.",
            "refused": "A page past the end is 305.",
        },
    ),
    "orders_first_page": Dialect(
        clause="sandbox:page-numbers",
        variants={
            "one": "Pages are counted from 1; a pageNo below is 305.",
            "one-or-less": "Pages are counted from 1; a pageNo below is taken for 1.",
            "zero": "Pages are counted from 0.",
        },
    ),
    "orders_page_size": Dialect(
        clause="sandbox:page-size-max",
        variants={
            "hundred": "A pageSize above 100 is taken for 100.",
            "hundred-or-refused": "A pageSize above 100 is 305.",
            "five": "A pageSize above 5 is taken for 5.",
            "unlimited": "Every pageSize is kept to.",
        },
    ),
    "orders_sort": Dialect(
        clause="sandbox:orders-newest-first",
        variants={
            "newest-first": "The newest payment comes first.",
            "oldest-first": "The oldest payment comes first.",
        },
    ),
    "orders_listed": Dialect(
        clause="sandbox:orders-newest-first",
        variants={
            "paid": "Every paid order is listed, refunded ones too.",
            "not-refunded": "Refunded orders are left out.",
            "not-delivered": "Orders that were reported as delivered are left out.",
        },
    ),
    "orders_ids": Dialect(
        clause="sandbox:callback-ids",
        variants={"number": "userId is a number, as in the table.", "text": "userId is a string."},
    ),
    "orders_times": Dialect(clause="sandbox:times-in-seconds", variants=TIMES),
    "orders_refund_fields": Dialect(clause="sandbox:empty-refund-fields", variants=EMPTY_REFUND_FIELDS),
    "orders_extra": Dialect(
        clause="sandbox:no-extra-members",
        variants={
            "absent": "A row has the documented members and no others.",
            "present": "It also has gameId, createTime and paytype, as a notification does.",
        },
    ),
}

ANSWERS: Final[Mapping[str, Dialect]] = {
    "judgement": Dialect(
        clause="sandbox:order-of-judgement",
        variants={
            "fields-first": "A call is judged by its fields (305), its game (40001), its signature (41007).",
            "game-first": "It is judged by its game, its signature, its other fields.",
            "signature-first": "Without a signature that fits it is 41007, whatever else is wrong.",
        },
    ),
    "answer_status": Dialect(
        clause="sandbox:http-200-with-code",
        variants={
            "always-200": "The HTTP status is 200 whatever the code is.",
            "http": "The HTTP status tells the error too: 400, 401, 404 or 500.",
        },
    ),
    "answer_code": Dialect(
        clause="sandbox:answer-code-text",
        variants={"text": "code is a string.", "number": "code is a number."},
    ),
    "answer_text": Dialect(
        clause="sandbox:answer-code-text",
        variants={
            "msg": "The code's text stands in msg, as in the examples.",
            "message": "It stands in message, as in the table of section 3.",
            "both": "It stands in both.",
        },
    ),
    "answer_type": Dialect(
        clause="sandbox:answer-type",
        variants={
            "json": "Content-Type is application/json.",
            "json-charset": "Content-Type is application/json; charset=utf-8.",
            "text": "Content-Type is text/plain.",
            "absent": "There is no Content-Type.",
        },
    ),
}

DIALECTS: Final[Mapping[str, Dialect]] = {**KEYS, **TOKENS, **NOTICES, **ARRIVED, **ORDERS, **ANSWERS}
