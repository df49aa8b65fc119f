// State: where runs read and write, and what of one place counts in another. Items are kept by
// INPUT and OUTPUT; OUTPUT is known by its id, and so goes on at any path. Of another INPUT into
// the same OUTPUT, the same one at another path or not, what counts is taken over item by item.
#include <algorithm>
#include <utility>

#include "broker/state/query.h"
#include "broker/state/row_sql.h"
#include "broker/state/state.h"
#include "broker/state/statements.h"

namespace millrace {
namespace {

// The recipes of the stages up to one, as State::RecipeId has put them one after the other.
std::vector<std::string> SplitDigest(std::string_view digest) {
  std::vector<std::string> recipes;
  while (!digest.empty()) {
    const auto size = static_cast<unsigned char>(digest.front());
    recipes.emplace_back(digest.substr(1, size));
    digest.remove_prefix(std::min<std::size_t>(digest.size(), 1 + size));
  }
  return recipes;
}

}  // namespace

std::vector<RootRow> State::RootsOfFolder(const std::string& folder) {
  std::vector<RootRow> roots;
  if (folder.empty()) return roots;
  Query query(statements_->read_roots);
  while (query.Step()) {
    RootRow row = RootRow::Read(query);
    if (OutputPlace::Decode(row.output).folder == folder) roots.push_back(std::move(row));
  }
  return roots;
}

std::int64_t State::RootOf(const RunOrder& order, const std::set<std::string>& copies) {
  const std::string output = OutputPlace{order.output, order.folder}.Encode();
  {
    Query find(statements_->find_root);
    if (find.Bytes(order.input).Bytes(output).Step()) return find.NumberAt(0);
  }
  for (RootRow& root : RootsOfFolder(order.folder)) {
    if (root.input != order.input) continue;
    if (copies.contains(OutputPlace::Decode(root.output).path)) continue;
    root.output = output;  // it was moved
    WriteRow(statements_->write_root, root);
    contexts_.clear();
    return root.id;
  }
  Query next(statements_->next_root);
  next.Step();
  const RootRow row{next.NumberAt(0), order.input, output};
  WriteRow(statements_->write_root, row);
  return row.id;
}

bool State::IsIntoTheSame(const RunOrder& known, const RunOrder& order,
                          const std::set<std::string>& copies) {
  if (known.folder != order.folder) return false;
  return known.output == order.output || (!order.folder.empty() && !copies.contains(known.output));
}

std::optional<RunRow> State::LatestInto(const std::string& output, const std::string& folder,
                                        const std::set<std::string>& copies) {
  const std::string place = OutputPlace{output, folder}.Encode();
  for (RootRow& root : RootsOfFolder(folder)) {
    if (root.output == place) continue;
    if (copies.contains(OutputPlace::Decode(root.output).path)) continue;
    Query taken(statements_->find_root);
    if (taken.Bytes(root.input).Bytes(place).Step()) continue;
    root.output = place;  // it was moved
    WriteRow(statements_->write_root, root);
    contexts_.clear();
  }
  SQLite::Statement statement(
      *database_, std::string(kSelectRuns) + "WHERE output = ? ORDER BY runs.id DESC LIMIT 1");
  Query query(statement);
  if (!query.Bytes(place).Step()) return std::nullopt;
  return ReadRunRow(query);
}

std::vector<State::OtherRoot> State::OthersInto(const RunRow& run) {
  constexpr std::size_t kMost = 16;  // each costs a look for every item
  std::vector<OtherRoot> others;
  const std::set<std::string>& copies = copies_[run.id];
  for (const RootRow& root : RootsOfFolder(run.order.folder)) {
    if (root.id == run.root || others.size() == kMost) continue;
    const std::string path = OutputPlace::Decode(root.output).path;
    others.push_back({root.id, path != run.order.output && copies.contains(path)});
  }
  return others;
}

bool State::HasItems(const RunRow& run) {
  std::vector<std::int64_t> roots = {run.root};
  for (const OtherRoot& other : OthersInto(run)) roots.push_back(other.root);
  return std::any_of(roots.begin(), roots.end(), [&](std::int64_t root) {
    Query any(statements_->any_item);
    return any.Number(root).Step();
  });
}

std::optional<ItemRow> State::TakeFromOthers(RunContext& context, const std::string& key,
                                             const std::string& meta) {
  for (const OtherRoot& other : context.others) {
    std::optional<ItemRow> row = ReadItem(other.root, key);
    if (!row) continue;
    const bool there = !other.is_copy || OutputsStand(context, *row);
    if (!there || !Stands(context, *row, meta)) {
      NoteRedone(context, *row, meta);
      continue;
    }
    row->root = context.row.root;
    for (const std::string& name : NamesOfRecords(other.root)) {
      Query line(statements_->read_record);
      if (!line.Number(other.root).Text(name).Bytes(key).Step()) continue;
      NamesOfRecords(row->root).insert(name);
      WriteRow(statements_->write_record, RecordRow{row->root, name, key, line.BytesAt(0)});
    }
    if (!other.is_copy) Drop(other.root, key);
    return row;
  }
  return std::nullopt;
}

void State::DropFromOthers(const RunContext& context, const std::string& key) {
  for (const OtherRoot& other : context.others) {
    if (!other.is_copy) Drop(other.root, key);
  }
}

void State::Drop(std::int64_t root, const std::string& key) {
  Query(statements_->remove_item).Number(root).Bytes(key).Run();
  for (const std::string& name : NamesOfRecords(root)) {
    Query(statements_->drop_record).Number(root).Text(name).Bytes(key).Run();
  }
}

void State::NoteRedone(RunContext& context, const ItemRow& row, const std::string& meta) {
  const auto stage = static_cast<std::size_t>(row.stage);
  if (context.row.order.fresh || row.state != ItemState::kOk || stage == 0 || stage >= stages_) {
    return;
  }
  if (row.meta != meta) {
    context.redone.by_file += 1;
  } else if (row.recipe != context.recipe_ids[stage]) {
    context.redone.by_stages += 1;
    context.redone.recipe = row.recipe;
  } else {
    context.redone.by_output += 1;
  }
}

std::optional<NothingCounts> State::WhyNothingCounts(const RunContext& context, bool first_chunk) {
  const RunRow& run = context.row;
  const Redone& redone = context.redone;
  if (run.order.fresh || run.resumed > run.resumed_failed) return std::nullopt;
  NothingCounts nothing;
  const std::int64_t most = std::max({redone.by_stages, redone.by_file, redone.by_output});
  // Of files and outputs the next one may tell otherwise, until the last is seen.
  if (most > 0 && most == redone.by_stages) {
    nothing.why = NothingCounts::Why::kStages;
    FindOtherStages(context, nothing);
    return nothing;
  }
  const bool to_look = most == 0 && (first_chunk || run.scan_ended);
  if (to_look && NewFolderAtItsPath(run, nothing)) return nothing;
  if (!run.scan_ended) return std::nullopt;
  if (most > 0) {
    nothing.why =
        most == redone.by_file ? NothingCounts::Why::kFiles : NothingCounts::Why::kOutputs;
  } else if (run.exhaustive && AnyResultBefore(context)) {
    nothing.why = NothingCounts::Why::kOtherFiles;
  } else {
    return std::nullopt;
  }
  std::optional<RunRow> last;
  std::vector<std::int64_t> roots = {run.root};
  for (const OtherRoot& other : context.others) roots.push_back(other.root);
  for (const std::int64_t root : roots) {
    Query query(statements_->run_before);
    query.Number(root).Number(static_cast<std::int64_t>(run.id.value()));
    if (!query.Step()) continue;
    RunRow row = ReadRunRow(query);
    if (!last || last->id.value() < row.id.value()) last = std::move(row);
  }
  if (last) Name(*last, nothing);
  return nothing;
}

void State::Name(const RunRow& run, NothingCounts& nothing) {
  nothing.run = run.id;
  nothing.submitted_s = run.submitted_s;
  nothing.input = run.order.input;
}

void State::FindOtherStages(const RunContext& context, NothingCounts& nothing) {
  std::vector<std::string> recipes;
  {
    Query query(statements_->read_digest);
    if (!query.Number(context.redone.recipe).Step()) return;
    recipes = SplitDigest(query.ViewAt(0));
  }
  for (std::size_t stage = 1; stage < stages_ && stage <= recipes.size(); ++stage) {
    const std::optional<std::string>& now = context.recipes[stage];
    if (!now || *now == recipes[stage - 1]) continue;
    nothing.stages.push_back(static_cast<std::int64_t>(stage));
    if (nothing.run.valid()) continue;
    Query query(statements_->runs_by_recipe);
    query.Number(static_cast<std::int64_t>(stage)).Bytes(recipes[stage - 1]);
    while (!nothing.run.valid() && query.Step()) {
      const RunRow row = ReadRunRow(query);
      const bool into_it =
          row.root == context.row.root ||
          std::any_of(context.others.begin(), context.others.end(),
                      [&](const OtherRoot& other) { return other.root == row.root; });
      if (into_it && row.id != context.row.id) Name(row, nothing);
    }
  }
}

bool State::NewFolderAtItsPath(const RunRow& run, NothingCounts& nothing) {
  if (run.order.folder.empty() || HadItemsBefore(run)) return false;
  std::vector<std::int64_t> roots;
  {
    Query query(statements_->read_roots);
    while (query.Step()) {
      const RootRow root = RootRow::Read(query);
      const OutputPlace place = OutputPlace::Decode(root.output);
      const bool other = place.path == run.order.output && !place.folder.empty() &&
                         place.folder != run.order.folder && root.input == run.order.input;
      if (other) roots.push_back(root.id);
    }
  }
  for (const std::int64_t root : roots) {
    const std::optional<RunRow> last = LatestOfRoot(root);
    if (!last) continue;
    nothing.why = NothingCounts::Why::kNewFolder;
    Name(*last, nothing);
    return true;
  }
  return false;
}

bool State::HadItemsBefore(const RunRow& run) {
  for (const OtherRoot& other : OthersInto(run)) {
    Query any(statements_->any_item);
    if (any.Number(other.root).Step()) return true;
  }
  Query query(statements_->run_before);
  return query.Number(run.root).Number(static_cast<std::int64_t>(run.id.value())).Step();
}

bool State::AnyResultBefore(const RunContext& context) {
  std::vector<std::int64_t> roots = {context.row.root};
  for (const OtherRoot& other : context.others) roots.push_back(other.root);
  return std::any_of(roots.begin(), roots.end(), [&](std::int64_t root) {
    Query any(statements_->any_result_before);
    return any.Number(root).Number(context.row.generation).Step();
  });
}

}  // namespace millrace
