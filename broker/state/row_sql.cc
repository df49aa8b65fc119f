#include "broker/state/row_sql.h"

#include <string_view>
#include <utility>

#include "broker/state/row_sum.h"
#include "broker/state/small_rows.h"

namespace millrace {

RunRow ReadRunRow(Query& query) {
  RunRow row;
  row.id = RunId(static_cast<std::uint64_t>(query.NumberAt(0)));
  row.root = query.NumberAt(1);
  row.generation = query.NumberAt(2);
  row.phase = static_cast<StoredPhase>(query.NumberAt(3));
  row.order.options = query.BytesAt(4);
  row.order.stop_at_failures = query.NumberAt(5);
  row.order.stop_at_share = query.RealAt(6);
  row.order.fresh = query.NumberAt(7) != 0;
  row.order.verify_outputs = query.NumberAt(8) != 0;
  row.order.prune = query.NumberAt(9) != 0;
  row.cursor = query.BytesAt(10);
  row.scan_ended = query.NumberAt(11) != 0;
  row.exhaustive = query.NumberAt(12) != 0;
  row.resumed = query.NumberAt(13);
  row.resumed_failed = query.NumberAt(14);
  row.repeated = query.NumberAt(15);
  row.submitted_s = query.NumberAt(16);
  row.ended_s = query.NumberAt(17);
  row.order.input = query.BytesAt(19);
  OutputPlace place = OutputPlace::Decode(query.BytesAt(20));
  row.order.output = std::move(place.path);
  row.order.folder = std::move(place.folder);
  row.final_status = query.BytesAt(21);
  row.redone = query.BytesAt(22);
  return row;
}

ItemRow ReadItemRow(Query& query) {
  ItemRow row;
  row.root = query.NumberAt(0);
  row.key = query.BytesAt(1);
  row.generation = query.NumberAt(2);
  row.state = static_cast<ItemState>(query.NumberAt(3));
  row.stage = query.NumberAt(4);
  row.recipe = query.NumberAt(5);
  row.meta = query.BytesAt(6);
  row.code = query.BytesAt(7);
  row.text = query.BytesAt(8);
  row.marks.attempts = static_cast<int>(query.NumberAt(9));
  row.marks.unclaimed_deaths = static_cast<int>(query.NumberAt(10));
  row.marks.link_losses = static_cast<int>(query.NumberAt(11));
  row.marks.alone = query.NumberAt(12) != 0;
  if (row.state == ItemState::kOpen) row.marks.stage = static_cast<std::size_t>(row.stage);
  row.outputs = DecodeOutputs(query.BytesAt(13), row.key);
  row.warnings = query.BytesAt(14);
  row.said = query.BytesAt(16);
  return row;
}

bool HasItsSum(const RunRow& row, Query& query) {
  return row.phase <= StoredPhase::kDone &&
         query.NumberAt(18) == static_cast<std::int64_t>(row.Sum());
}

bool HasItsSum(const ItemRow& row, Query& query) {
  return row.state <= ItemState::kSkipped &&
         query.NumberAt(15) == static_cast<std::int64_t>(row.Sum());
}

bool ItemHasItsSum(Query& query) {
  // The columns of kSelectItems, in which order ItemRow::Sum takes them too.
  constexpr std::string_view kKinds = "nbnnnnbbbnnnnbb";  // numbers and bytes
  RowSum sum;
  for (std::size_t column = 0; column < kKinds.size(); ++column) {
    const int at = static_cast<int>(column);
    if (kKinds[column] == 'n') {
      sum.Add(query.NumberAt(at));
    } else {
      sum.Add(query.ViewAt(at));
    }
  }
  if (const std::string_view said = query.ViewAt(16); !said.empty()) sum.Add(said);
  return query.NumberAt(3) <= static_cast<std::int64_t>(ItemState::kSkipped) &&
         query.NumberAt(15) == static_cast<std::int64_t>(sum.Value());
}

void BindRun(Query& query, const RunRow& row) {
  query.Number(static_cast<std::int64_t>(row.id.value())).Number(row.root).Number(row.generation);
  query.Number(static_cast<std::int64_t>(row.phase)).Bytes(row.order.options);
  query.Number(row.order.stop_at_failures).Real(row.order.stop_at_share);
  query.Number(row.order.fresh).Number(row.order.verify_outputs).Number(row.order.prune);
  query.Bytes(row.cursor).Number(row.scan_ended).Number(row.exhaustive).Number(row.resumed);
  query.Number(row.resumed_failed).Number(row.repeated).Number(row.submitted_s);
  query.Number(row.ended_s).Bytes(row.final_status).TextOrNull(row.redone);
  query.Number(row.Sum());
}

void BindItem(Query& query, const ItemRow& row) {
  const ItemMarks& marks = row.marks;
  query.Number(row.root).Bytes(row.key).Number(row.generation);
  query.Number(static_cast<std::int64_t>(row.state)).Number(row.stage).Number(row.recipe);
  query.BytesOrNull(row.meta).TextOrNull(row.code).TextOrNull(row.text);
  query.Number(marks.attempts).Number(marks.unclaimed_deaths).Number(marks.link_losses);
  query.Number(marks.alone).BytesOrNull(EncodeOutputs(row.outputs, row.key));
  query.TextOrNull(row.warnings).TextOrNull(row.said).Number(row.Sum());
}

}  // namespace millrace
