#include "broker/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace millrace;

TEST_CASE("the report is JSON that says what the run came to") {
  RunReport report;
  report.topology = "demo";
  report.input = "/in";
  report.run = RunId(3);
  report.counts = {10, 6, 3, 1, 0};
  report.failed_by = {{"corrupt", 3}};
  report.skipped_by = {{"not-an-image", 1}};
  report.warnings = {{"truncated", 2}};
  report.scan_complete = true;
  report.elapsed_s = 3;
  report.stages = {{"scan", 1, 0.1}, {"work", 2, 0.9}};
  const nlohmann::json json = nlohmann::json::parse(ReportJson(report));
  CHECK(json["scanned"] == 10);
  CHECK(json["failed_by"]["corrupt"] == 3);
  CHECK(json["skipped_by"]["not-an-image"] == 1);
  CHECK(json["warnings"]["truncated"] == 2);
  CHECK(json["images_per_s"] == doctest::Approx(3.0));
  CHECK(json["stages"]["work"]["busy"] == doctest::Approx(0.9));
  CHECK(json["limiting_stage"] == "work");
  CHECK_FALSE(json.contains("unfinished"));
}

TEST_CASE("a run that ended early says how many items are unfinished, and why") {
  RunReport report;
  report.counts = {10, 4, 1, 1, 0};
  report.result = RunResult::kStopped;
  report.reason = "cancelled";
  const nlohmann::json json = nlohmann::json::parse(ReportJson(report));
  CHECK(json["unfinished"] == 4);
  CHECK(json["reason"] == "cancelled");
  CHECK(json["result"] == "stopped");
}

TEST_CASE("a failure's path is escaped reversibly when it is no UTF-8") {
  CHECK(FailureJson({.key = "caf\xe9.jpg",
                     .stage = 1,
                     .code = "corrupt",
                     .text = "bad \"data\"",
                     .attempts = 1,
                     .outputs = {}},
                    {"scan", "preprocess"}) ==
        "{\"path\": \"caf\\udce9.jpg\", \"stage\": \"preprocess\", \"code\": \"corrupt\", "
        "\"reason\": \"bad \\\"data\\\"\", \"attempts\": 1}");
}
