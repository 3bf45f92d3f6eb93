/** Head cells of the three quantiles of latency, in the order in which rows show them. */
export function LatencyHeads() {
  return ['p50', 'p95', 'p99'].map((quantile) => (
    <th scope="col" class="number" key={quantile}>
      {quantile}
    </th>
  ))
}
