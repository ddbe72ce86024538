"""The reports on the steps of the process once more, slowly: criteria, hand-overs, meetings, pain points, losses, discounts."""

from __future__ import annotations

from salesledger.domain.deal_events import LeadCaptured
from salesledger.domain.process import ProcessDefined
from support.answers import Row
from support.twins import Asked, by_id, happened


def judgements(asked: Asked) -> list[Row]:
    """Twin of `judgements`: each criterion asked by the domain, one after the other."""
    versions = [(r.id, r.event) for r in asked.log if isinstance(r.event, ProcessDefined) and r.event.criteria]
    rows = []
    for deal, records in by_id(happened(asked, "deal")).items():
        captures = [r.event for r in records if isinstance(r.event, LeadCaptured)]
        told = [event.attributes for event in captures if event.attributes is not None]
        facts = told[-1] if told else {}
        for process, version in versions if captures else ():
            verdicts = [criterion.judge(facts) for criterion in version.criteria or ()]
            rows.append(
                {
                    "deal": deal,
                    "process": process,
                    "process_version": version.process_version,
                    "verdict": version.definition().judge(facts),
                    "criteria": len(verdicts),
                    "unmet": verdicts.count("unmet"),
                    "unknown": verdicts.count("unknown"),
                }
            )
    return rows
