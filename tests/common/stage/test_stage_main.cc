// A stage that gives every item back as it came, says so on stderr, never returns from one called
// "stuck", attacks for one called "hostile", and is broken after one called "breaks".
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/stage/worker.h"
#include "tests/common/os/refuse_call.h"

namespace millrace {
namespace {

const char* Said(long result) { return result >= 0 ? "works" : std::strerror(errno); }

void Attack() {
  std::fprintf(stderr, "reading: %s\n", Said(open("/proc/self/cmdline", O_RDONLY)));
  std::fprintf(stderr, "writing: %s\n", Said(open("/dev/null", O_WRONLY)));
  std::fprintf(stderr, "network: %s\n", Said(socket(AF_INET, SOCK_STREAM, 0)));
  std::fprintf(stderr, "program: %s\n", Said(execl("/bin/true", "true", nullptr)));
}

class TestStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override {
    if (context.options.Bool("broken")) return Fail(ErrorCode::kNotFound, "it is broken");
    if (context.options.Bool("without_seccomp")) RefuseCall(SYS_seccomp);
    return {};
  }
  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& /*context*/) override {
    std::vector<Outcome> outcomes;
    for (const Job& job : jobs) {
      std::fprintf(stderr, "processing %s\n", job.key.c_str());
      while (job.key == "stuck") pause();
      if (job.key == "hostile") Attack();
      broken_ = broken_ || job.key == "breaks";
      Done done;
      done.payload = job.payload;
      outcomes.emplace_back(std::move(done));
    }
    return outcomes;
  }
  [[nodiscard]] std::string Broken() const override { return broken_ ? "the device is lost" : ""; }

 private:
  bool broken_ = false;
};

OptionSchema TestOptions() {
  OptionSchema schema;
  schema.Add({.name = "broken",
              .type = OptionType::kBool,
              .help = "Refuse to start.",
              .default_value = false});
  schema.Add({.name = "without_seccomp",
              .type = OptionType::kBool,
              .help = "Be on a kernel without it.",
              .default_value = false});
  schema.Add({.name = "file",
              .type = OptionType::kPath,
              .help = "A file that must be there.",
              .must_exist = true});
  schema.AllowSandbox();
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
