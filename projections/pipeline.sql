-- pipeline: open deals by stage at $as_of, as known at $known_at
-- grain: one row a group, process and stage that holds open deals
-- only: open
-- needs: deals, process_stages
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   group: what the report is split by; empty where it is not, or where a deal has none
--   process: process
--   stage: stage
--   deals: open deals
--   deals_without_amount: those of them that no amount is known for
--   amount: what the deals are worth: one-off plus the first term's recurring amounts, foreign ones converted at the rates at $as_of
--   currency: currency of the amounts: the ledger's
--   weighted_amount: amount times the stage's default probability
SELECT
    CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
    d.process,
    d.stage,
    count(*) AS deals,
    count(*) - count(d.value_converted) AS deals_without_amount,
    CAST(sum(d.value_converted) AS DECIMAL(38, 4)) AS amount,
    $currency AS currency,
    CAST(round(sum(d.value_converted * s.probability), 2) AS DECIMAL(38, 2)) AS weighted_amount
FROM deals d
LEFT JOIN process_stages s ON s.process = d.process AND s.process_version = d.process_version AND s.stage = d.stage
WHERE d.status = 'open'
GROUP BY "group", d.process, d.stage
ORDER BY "group" NULLS LAST, d.process, min(s.position), d.stage
