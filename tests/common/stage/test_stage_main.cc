// A stage that gives every item back as it came, says so on stderr, and never returns from one
// called "stuck".
#include <unistd.h>

#include <cstdio>

#include "common/stage/worker.h"

namespace millrace {
namespace {

class TestStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override {
    if (context.options.Bool("broken")) return Fail(ErrorCode::kNotFound, "it is broken");
    return {};
  }
  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& /*context*/) override {
    std::vector<Outcome> outcomes;
    for (const Job& job : jobs) {
      std::fprintf(stderr, "processing %s\n", job.key.c_str());
      while (job.key == "stuck") pause();
      Done done;
      done.payload = job.payload;
      outcomes.emplace_back(std::move(done));
    }
    return outcomes;
  }
};

OptionSchema TestOptions() {
  OptionSchema schema;
  schema.Add({.name = "broken",
              .type = OptionType::kBool,
              .help = "Refuse to start.",
              .default_value = false});
  return schema;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-test-stage",
                              .options = millrace::TestOptions(),
                              .make = [] { return std::make_unique<millrace::TestStage>(); }});
}
