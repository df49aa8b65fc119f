// One use of a prepared statement: binds, steps, and leaves it ready for the next. Private to
// broker/state.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace millrace {

class Query {
 public:
  explicit Query(SQLite::Statement& statement) : statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { statement_.tryReset(); }

  // The next parameter, from the first on.
  Query& Number(std::int64_t value) {
    statement_.bind(++bound_, value);
    return *this;
  }
  Query& Real(double value) {
    statement_.bind(++bound_, value);
    return *this;
  }
  Query& Bytes(std::string_view bytes) {
    // A null pointer would bind NULL.
    const char* data = bytes.empty() ? "" : bytes.data();
    statement_.bind(++bound_, static_cast<const void*>(data), static_cast<int>(bytes.size()));
    return *this;
  }
  Query& Text(std::string_view text) {
    statement_.bind(++bound_, std::string(text));
    return *this;
  }
  // NULL for "": most rows have most of these empty.
  Query& BytesOrNull(std::string_view bytes) { return bytes.empty() ? Null() : Bytes(bytes); }
  Query& TextOrNull(std::string_view text) { return text.empty() ? Null() : Text(text); }

  // False after the last row.
  bool Step() { return statement_.executeStep(); }
  void Run() { statement_.exec(); }

  // Of the row that Step came to.
  std::int64_t NumberAt(int column) { return statement_.getColumn(column).getInt64(); }
  double RealAt(int column) { return statement_.getColumn(column).getDouble(); }
  // Until the next Step.
  std::string_view ViewAt(int column) {
    const SQLite::Column value = statement_.getColumn(column);
    const auto* bytes = static_cast<const char*>(value.getBlob());
    return bytes == nullptr ? std::string_view()
                            : std::string_view(bytes, static_cast<std::size_t>(value.getBytes()));
  }
  std::string BytesAt(int column) { return statement_.getColumn(column).getString(); }

 private:
  Query& Null() {
    statement_.bind(++bound_);
    return *this;
  }

  SQLite::Statement& statement_;
  int bound_ = 0;
};

// Runs `work`, which returns a Result, and makes an Error of what SQLite throws.
template <typename Work>
auto Guarded(std::string_view what, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    return Fail(ErrorCode::kWriteFailed, "the state: " + std::string(what) + ": " + error.what() +
                                             " (SQLite " +
                                             std::to_string(error.getExtendedErrorCode()) + ")");
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, "the state: " + std::string(what) + ": " + error.what());
  }
}

}  // namespace millrace
