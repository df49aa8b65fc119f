// The rows beside runs and items: roots, recipes and records, and the SQL that reads and writes
// them. Private to broker/state.
#pragma once

#include <cstdint>
#include <string>

#include "broker/state/query.h"

namespace millrace {

// Where runs read and write: what items are kept by.
struct RootRow {
  std::int64_t id = 0;
  std::string input;   // bytes, absolute
  std::string output;  // an OutputPlace

  static constexpr const char* kSelect = "SELECT id, input, output, sum FROM roots";
  static constexpr const char* kOrder = "id";
  static constexpr const char* kWrite =
      "INSERT OR REPLACE INTO roots (id, input, output, sum) VALUES (?, ?, ?, ?)";
  static constexpr int kSumColumn = 3;  // of kSelect
  static RootRow Read(Query& query);
  void Bind(Query& query) const;
  [[nodiscard]] std::uint32_t Sum() const;
};

// A path, and which folder it was that was found there, as one column: paths have no NUL.
struct OutputPlace {
  std::string path;    // bytes, absolute
  std::string folder;  // its id; "" in states that are older than ids

  static OutputPlace Decode(std::string column);
  [[nodiscard]] std::string Encode() const;
};

// What a stage of a run was made by.
struct RecipeRow {
  std::int64_t run = 0;
  std::int64_t stage = 0;
  std::string recipe;

  static constexpr const char* kSelect = "SELECT run, stage, recipe, sum FROM recipes";
  static constexpr const char* kOrder = "run, stage";
  static constexpr const char* kWrite =
      "INSERT OR REPLACE INTO recipes (run, stage, recipe, sum) VALUES (?, ?, ?, ?)";
  static constexpr int kSumColumn = 3;  // of kSelect
  static RecipeRow Read(Query& query);
  void Bind(Query& query) const;
  [[nodiscard]] std::uint32_t Sum() const;
};

// The number that items keep of the recipes of all stages up to one.
struct RecipeIdRow {
  std::int64_t id = 0;
  std::string digest;

  static constexpr const char* kSelect = "SELECT id, digest, sum FROM recipe_ids";
  static constexpr const char* kOrder = "id";
  static constexpr const char* kWrite =
      "INSERT OR REPLACE INTO recipe_ids (id, digest, sum) VALUES (?, ?, ?)";
  static constexpr int kSumColumn = 2;  // of kSelect
  static RecipeIdRow Read(Query& query);
  void Bind(Query& query) const;
  [[nodiscard]] std::uint32_t Sum() const;
};

// A line of OUTPUT/.millrace/NAME.jsonl.
struct RecordRow {
  std::int64_t root = 0;
  std::string name;
  std::string key;
  std::string line;

  static constexpr const char* kSelect = "SELECT root, name, key, line, sum FROM records";
  static constexpr const char* kOrder = "root, name, key";
  static constexpr const char* kWrite =
      "INSERT OR REPLACE INTO records (root, name, key, line, sum) VALUES (?, ?, ?, ?, ?)";
  static constexpr int kSumColumn = 4;  // of kSelect
  static RecordRow Read(Query& query);
  void Bind(Query& query) const;
  [[nodiscard]] std::uint32_t Sum() const;
};

template <typename Row>
void WriteRow(SQLite::Statement& statement, const Row& row) {
  Query query(statement);
  row.Bind(query);
  query.Run();
}

}  // namespace millrace
