-- Routes of the three New York airports, the busiest ten of each.
WITH routes AS (
  SELECT
    f.origin,
    f.dest,
    count(*)                          AS flights,
    count(DISTINCT f.carrier)         AS airlines,
    max(f.distance)                   AS miles,
    percentile(p.seats, 0.5)          AS median_seats
  FROM prod.nyc.flights f
  LEFT JOIN prod.nyc.planes p ON p.tailnum = f.tailnum
  GROUP BY f.origin, f.dest
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY origin ORDER BY flights DESC, dest) AS place
  FROM routes
)
SELECT
  r.origin,
  r.dest,
  a.name AS destination,
  r.place,
  r.flights,
  r.airlines,
  r.miles,
  r.median_seats
FROM placed r
LEFT JOIN prod.nyc.airports a ON a.faa = r.dest
WHERE r.place <= 10
