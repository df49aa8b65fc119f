#include "broker/state/small_rows.h"

#include <utility>

#include "broker/state/row_sum.h"

namespace millrace {

OutputPlace OutputPlace::Decode(std::string column) {
  const std::size_t end = column.find('\0');
  if (end == std::string::npos) return {std::move(column), ""};
  return {column.substr(0, end), column.substr(end + 1)};
}
std::string OutputPlace::Encode() const { return folder.empty() ? path : path + '\0' + folder; }

RootRow RootRow::Read(Query& query) {
  return {query.NumberAt(0), query.BytesAt(1), query.BytesAt(2)};
}
void RootRow::Bind(Query& query) const {
  query.Number(id).Bytes(input).Bytes(output).Number(Sum());
}
std::uint32_t RootRow::Sum() const { return SumOf(id, input, output); }

RecipeRow RecipeRow::Read(Query& query) {
  return {query.NumberAt(0), query.NumberAt(1), query.BytesAt(2)};
}
void RecipeRow::Bind(Query& query) const {
  query.Number(run).Number(stage).Bytes(recipe).Number(Sum());
}
std::uint32_t RecipeRow::Sum() const { return SumOf(run, stage, recipe); }

RecipeIdRow RecipeIdRow::Read(Query& query) { return {query.NumberAt(0), query.BytesAt(1)}; }
void RecipeIdRow::Bind(Query& query) const { query.Number(id).Bytes(digest).Number(Sum()); }
std::uint32_t RecipeIdRow::Sum() const { return SumOf(id, digest); }

RecordRow RecordRow::Read(Query& query) {
  return {query.NumberAt(0), query.BytesAt(1), query.BytesAt(2), query.BytesAt(3)};
}
void RecordRow::Bind(Query& query) const {
  query.Number(root).Text(name).Bytes(key).Bytes(line).Number(Sum());
}
std::uint32_t RecordRow::Sum() const { return SumOf(root, name, key, line); }

}  // namespace millrace
