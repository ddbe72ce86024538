-- board: open deals as they stand in their stage at $as_of, as known at $known_at
-- grain: one row an open deal
-- only: open
-- needs: deals, process_stages
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   process: process
--   stage: stage
--   stage_place: the deal's place in its stage, from 1: the one that is worth most comes first, one without an amount last
--   deal: deal id
--   company: the company's name
--   owner: who sells (a short id)
--   value: one-off amount plus the first term's recurring amount; empty where no amount is known
--   currency: currency of value
--   value_converted: the value in the ledger's currency, rounded once to four decimals
--   expected_close: day on which the deal is expected to close
--   stage_deals: open deals in the stage
--   stage_amount: what those are worth, in the ledger's currency
SELECT
    d.process,
    d.stage,
    row_number() OVER (PARTITION BY d.process, d.stage ORDER BY d.value_converted DESC NULLS LAST, d.deal) AS stage_place,
    d.deal,
    d.company,
    d.owner,
    d.value,
    d.currency,
    d.value_converted,
    d.expected_close,
    count(*) OVER stage AS stage_deals,
    CAST(sum(d.value_converted) OVER stage AS DECIMAL(38, 4)) AS stage_amount
FROM deals d
LEFT JOIN (
    SELECT process, stage, max_by(position, process_version) AS position
    FROM process_stages
    GROUP BY process, stage
) s ON s.process = d.process AND s.stage = d.stage
WHERE d.status = 'open'
WINDOW stage AS (PARTITION BY d.process, d.stage)
ORDER BY d.process, s.position, d.stage, stage_place
