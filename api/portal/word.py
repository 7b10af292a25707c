"""What people call states, reasons and kinds that the program knows by a name. Templates translate them."""

from collections.abc import Mapping

from api.portal.tongue import mark
from billing.state import DraftState, State
from ingest.reason import Reason

RUN_STATES: Mapping[State, str] = {
    "created": mark("Created"),
    "collecting": mark("Collecting"),
    "calculated": mark("Calculated"),
    "in_review": mark("In review"),
    "approved": mark("Approved"),
    "issuing": mark("Issuing"),
    "issued": mark("Issued"),
    "exported": mark("Exported"),
    "closed": mark("Closed"),
    "failed": mark("Failed"),
    "cancelled": mark("Cancelled"),
}
DRAFT_STATES: Mapping[DraftState, str] = {
    "blocked": mark("Blocked"),
    "failed": mark("Failed"),
    "warning": mark("Warning"),
    "ok": mark("Ok"),
    "issued": mark("Issued"),
    "excluded": mark("Excluded"),
    "collected": mark("Collected"),
}
FACTS: Mapping[str, str] = {
    "basis": mark("basis"),
    "quantity": mark("quantity"),
    "reported_state": mark("reported state"),
    "attribution": mark("attribution"),
    "notice": mark("notice"),
    "unmet": mark("unmet"),
    "ticket_time": mark("ticket time"),
    "pause": mark("pause"),
    "substitute": mark("substitute"),
    "meter_test": mark("meter test"),
    "carried": mark("carried"),
    "history": mark("history"),
}
REASONS: Mapping[Reason, str] = {
    Reason.BAD_TOPIC: mark("bad topic"),
    Reason.TOO_LARGE: mark("too large"),
    Reason.NOT_UTF8: mark("not utf8"),
    Reason.NOT_JSON: mark("not json"),
    Reason.NOT_CBOR: mark("not cbor"),
    Reason.NOT_SPARKPLUG: mark("not sparkplug"),
    Reason.UNKNOWN_FORMAT: mark("unknown format"),
    Reason.BAD_ENVELOPE: mark("bad envelope"),
    Reason.BAD_PACK: mark("bad pack"),
    Reason.BAD_EVENT: mark("bad event"),
    Reason.REUSED_EVENT: mark("reused event"),
    Reason.NO_BIRTH: mark("no birth"),
    Reason.UNKNOWN_DEVICE: mark("unknown device"),
    Reason.BAD_READING: mark("bad reading"),
    Reason.UNKNOWN_REGISTER: mark("unknown register"),
    Reason.BAD_TIME: mark("bad time"),
    Reason.TIME_IN_MILLISECONDS: mark("time in milliseconds"),
    Reason.TIME_IN_SECONDS: mark("time in seconds"),
    Reason.TOO_OLD: mark("too old"),
    Reason.TOO_NEW: mark("too new"),
    Reason.BAD_STATUS: mark("bad status"),
    Reason.BAD_VALUE: mark("bad value"),
    Reason.UNSUPPORTED_VALUE: mark("unsupported value"),
    Reason.SUPPLY_CODE: mark("supply code"),
    Reason.TOO_MANY_DIGITS: mark("too many digits"),
    Reason.WRONG_UNIT: mark("wrong unit"),
    Reason.OUT_OF_RANGE: mark("out of range"),
    Reason.UNKNOWN_STATE: mark("unknown state"),
    Reason.CONFLICT: mark("conflict"),
    Reason.POISON: mark("poison"),
}
