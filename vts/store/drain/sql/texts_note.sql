-- Returns the numbers that are taken by another text. In the order of the numbers, as all writers of texts.
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::text[]) AS wanted (number, text)
), noted AS (
    INSERT INTO reference_texts SELECT number, text FROM wanted ORDER BY number ON CONFLICT DO NOTHING
)
SELECT wanted.number FROM wanted JOIN reference_texts AS kept USING (number) WHERE kept.text <> wanted.text
