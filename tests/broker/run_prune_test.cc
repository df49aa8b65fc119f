// What a run removes and lists beside its report, and what it must not touch.
#include <sys/stat.h>
#include <unistd.h>

#include "broker/run_folder.h"
#include "common/os/file_time.h"
#include "tests/broker/state/state_world.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

// A run into a folder whose item wrote files, and then a second one that no longer finds it.
class PruneWorld : public testing::StateWorld {
 public:
  PruneWorld() {
    order.input = folder.At("in");
    order.output = folder.At("out");
    order.prune = true;
    folder.Folder("in");
    folder.Folder("out/.millrace");
  }
  TemporaryFolder folder;

  // As an earlier millrace recorded it, which looked at none of them.
  void Wrote(const std::string& key, const std::vector<std::string>& outputs) {
    const RunId run = Run();
    Scan(run, {{key, "size 1"}});
    ItemEnded ended = Ok(run, key);
    for (const std::string& path : outputs) ended.outputs.push_back(AsWritten(path));
    End(ended);
    Close(run);
  }
  // The second run, which finds another file alone; gives deleted.jsonl.
  std::string Prune() {
    const RunId run = Run();
    for (const OpenItem& item : Scan(run, {{"other", "size 1"}}).open) End(Ok(run, item.key));
    RunFolder out(order.output);
    Do(out, HoldFolder{.make = true});
    Do(out, BeginReport{});
    WriteList write{.what = WriteList::What::kPruned, .name = "deleted", .input = order.input};
    write.items = Deleted(run);
    pruned = std::get<ListWritten>(Do(out, std::move(write))).pruned;
    Do(out, FinishReport{"{}", {"failed", "deleted"}});
    return folder.Read("out/.millrace/deleted.jsonl");
  }
  std::int64_t pruned = 0;

  static FolderAnswer Do(RunFolder& out, FolderRequest request) {
    return Need(out.Execute(request));
  }

 private:
  [[nodiscard]] wire::OutputFile AsWritten(const std::string& path) const {
    struct stat status {};
    const std::string whole = path.starts_with('/') ? path : order.output + "/" + path;
    REQUIRE(stat(whole.c_str(), &status) == 0);
    return {path, std::int64_t{status.st_size}, MtimeNs(status)};
  }
};

TEST_CASE(
    "the outputs of an input that is gone are removed, as long as they are what was written") {
  PruneWorld world;
  world.folder.File("out/a/b.png", "x");
  world.folder.File("out/c.png", "x");
  world.Wrote("b", {"a/b.png", "c.png"});
  world.folder.File("out/c.png", "changed since");
  CHECK(world.Prune() == "{\"path\": \"b\", \"outputs\": [\"c.png\"]}\n");
  CHECK(!world.folder.Has("out/a/b.png"));
  CHECK(world.folder.Has("out/c.png"));
  CHECK(world.pruned == 1);
}

TEST_CASE("an output of an old state that is not below OUTPUT is neither removed nor listed") {
  PruneWorld world;
  world.folder.File("secret/victim", "precious");
  world.folder.File("out/.millrace/notes", "precious");
  world.folder.Folder("out/a");
  world.Wrote("b", {"../secret/victim", world.folder.At("secret/victim"), "a/../../secret/victim",
                    ".millrace/notes"});
  CHECK(world.Prune() == "{\"path\": \"b\", \"outputs\": []}\n");
  CHECK(world.folder.Has("secret/victim"));
  CHECK(world.folder.Has("out/.millrace/notes"));
  CHECK(world.pruned == 0);
}

TEST_CASE("an output that a link in OUTPUT leads out of is listed, and left") {
  PruneWorld world;
  world.folder.File("secret/victim", "precious");
  world.folder.Link("out/away", world.folder.At("secret"));
  world.Wrote("b", {"away/victim"});
  CHECK(world.Prune() == "{\"path\": \"b\", \"outputs\": [\"away/victim\"]}\n");
  CHECK(world.folder.Has("secret/victim"));
  CHECK(world.pruned == 0);
}

TEST_CASE("an item of an old state whose key is no path keeps its outputs") {
  PruneWorld world;
  world.folder.File("out/b.png", "x");
  world.Wrote("../b", {"b.png"});
  CHECK(world.Prune() == "{\"path\": \"../b\", \"outputs\": [\"b.png\"]}\n");
  CHECK(world.folder.Has("out/b.png"));
}

TEST_CASE("failures are read from a file of the run's, not through a link that took its name") {
  const TemporaryFolder folder;
  folder.File("out/.millrace/failed.jsonl", "{}\n");
  RunFolder out(folder.At("out"));
  const auto read = [&] {
    FolderRequest request = ReadFailures{0};
    return out.Execute(request);
  };
  REQUIRE(read());
  CHECK(std::get<FailurePage>(*read()).lines == std::vector<std::string>{"{}"});
  folder.File("secret", "precious\n");
  REQUIRE(unlink(folder.At("out/.millrace/failed.jsonl").c_str()) == 0);
  folder.Link("out/.millrace/failed.jsonl", folder.At("secret"));
  CHECK(!read());
  REQUIRE(unlink(folder.At("out/.millrace/failed.jsonl").c_str()) == 0);
  REQUIRE(mkfifo(folder.At("out/.millrace/failed.jsonl").c_str(), 0600) == 0);
  CHECK(!read());
}

}  // namespace
}  // namespace millrace
