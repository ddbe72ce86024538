"""Whether an entry can be evidence of what is noted about an account: it tells of that one, not of another company."""

from typing import TYPE_CHECKING

from salesledger.domain.account import AccountOpened
from salesledger.domain.clocks import day
from salesledger.domain.deal_events import LeadCaptured
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import NOTHING_RECORDED, Refused
from salesledger.ledger.references import references_of

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch


def refuse_of_another(batch: "Batch", stream: str, shown: Recorded) -> None:
    """Make sure that an entry which is given as evidence is not another company's.

    Args:
        batch: the ledger as it stands.
        stream: the account's that something is noted about.
        shown: the entry.

    Raises:
        Refused: it is of another account, or of a deal that has nothing to do with this one.
    """
    kind, _, name = shown.stream.partition(":")
    if shown.stream == stream or kind not in ("account", "deal"):
        return
    remedy = ""
    if kind == "deal":
        if _are_linked(batch, stream, shown.stream):
            return
        account = stream.partition(":")[2]
        remedy = f" If that deal is this client's, say so first: 'salesledger deal revise {name} --account {account}'."
    on = day(shown.event.effective_at, batch.context.zone)
    raise Refused(
        f"Entry {shown.entry} ({shown.event.type_name()} of {shown.stream} on {on}) is about another company: evidence is an entry "
        f"of {stream}, or of a deal of that client.{remedy} {NOTHING_RECORDED}"
    )


def _are_linked(batch: "Batch", account: str, deal: str) -> bool:
    """Whether the deal names the account or the account the deal, or both bear one name."""
    of_account, of_deal = standing(batch.records(account)), standing(batch.records(deal))
    for records, other in ((of_deal, account), (of_account, deal)):
        if any(reference.stream == other for record in records for reference in references_of(record.event)):
            return True
    opened = {r.event.company.casefold() for r in of_account if isinstance(r.event, AccountOpened)}
    captured = [r.event for r in of_deal if isinstance(r.event, LeadCaptured)]
    return any(event.account is None and event.company.casefold() in opened for event in captured)
