#include "broker/ended_items.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

wire::EndedItem Item(const std::string& path, std::size_t bytes = 0) {
  return {path, "", "", std::string(bytes, 'x')};
}

TEST_CASE("what ended is told from the number that was asked for, and once told is forgotten") {
  EndedItems items;
  CHECK(items.PageFrom(0).items.empty());
  items.Add(Item("a"));
  items.Add(Item("b"));
  const wire::EndedReply first = items.PageFrom(0);
  REQUIRE(first.items.size() == 2);
  CHECK(first.next == 2);
  // The answer was lost: it is told again.
  CHECK(items.PageFrom(0).items.size() == 2);
  items.Add(Item("c"));
  const wire::EndedReply next = items.PageFrom(first.next);
  REQUIRE(next.items.size() == 1);
  CHECK(next.items[0].path == "c");
  CHECK(items.PageFrom(0).items.size() == 1);
}

TEST_CASE("a page is bounded by its items and bytes, and one large item is a page") {
  EndedItems items;
  for (std::size_t i = 0; i < EndedItems::kPageItems + 1; ++i) items.Add(Item("a"));
  CHECK(items.PageFrom(0).items.size() == EndedItems::kPageItems);
  EndedItems large;
  for (int i = 0; i < 3; ++i) large.Add(Item("a", EndedItems::kPageBytes + 1));
  CHECK(large.PageFrom(0).items.size() == 1);
  CHECK(large.PageFrom(1).next == 2);
}

TEST_CASE("a client that never asks again costs no more than the bound") {
  EndedItems items;
  for (int i = 0; i < 100; ++i) items.Add(Item(std::to_string(i), 1u << 20));
  const wire::EndedReply page = items.PageFrom(0);
  REQUIRE(page.items.size() == 1);
  CHECK(page.items[0].path == "93");
  CHECK(page.next == 94);
}

TEST_CASE("a number of an earlier broker begins anew") {
  EndedItems items;
  items.Add(Item("a"));
  CHECK(items.PageFrom(1000).items.size() == 1);
}

}  // namespace
}  // namespace millrace
