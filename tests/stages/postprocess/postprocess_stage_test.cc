#include "stages/postprocess/postprocess_stage.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "stages/postprocess/options.h"
#include "tests/stages/fake_job_context.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

using List = std::vector<std::string>;

constexpr int kWidth = 8, kHeight = 6;

Part MakePart(std::string name, std::vector<std::int64_t> shape, std::vector<std::uint8_t> bytes) {
  return {std::move(name), DType::kUInt8, std::move(shape), Buffer::Own(std::move(bytes))};
}

// A grey picture of 8 x 6 whose left half is skin and whose right half is hair.
Payload SmallPayload() {
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < kWidth * kHeight; ++i) labels.push_back(i % kWidth < kWidth / 2 ? 1 : 17);
  return {MakePart("image", {kHeight, kWidth, 3},
                   std::vector<std::uint8_t>(std::size_t{kWidth} * kHeight * 3, 200)),
          MakePart("labels", {kHeight, kWidth}, std::move(labels))};
}

class Postprocess {
 public:
  explicit Postprocess(std::vector<std::pair<std::string, OptionValue>> options = {}) {
    context.options = Options::Defaults(PostprocessOptions());
    for (auto& [name, value] : options) context.options.Set(name, std::move(value));
  }

  Result<void> Start() { return stage->Start(context); }

  Outcome Process(const std::string& key, Payload payload = SmallPayload()) {
    return ProcessAll({{key, std::move(payload)}})[0];
  }

  std::vector<Outcome> ProcessAll(std::vector<std::pair<std::string, Payload>> items) {
    REQUIRE(Start());
    auto run = std::make_shared<RunInfo>();
    run->id = RunId(1);
    run->input = "/input";
    run->output = output;
    std::vector<Job> jobs;
    for (auto& [key, payload] : items) {
      Job job;
      job.run = run;
      job.key = key;
      job.payload = std::move(payload);
      jobs.push_back(std::move(job));
    }
    auto outcomes = stage->Process(jobs, calls);
    REQUIRE(outcomes.size() == jobs.size());
    return outcomes;
  }

  // Where every test writes; "" for a run without.
  TemporaryFolder folder;
  std::string output = folder.path();
  FakeJobContext calls;
  StageContext context;
  std::unique_ptr<Stage> stage = MakePostprocessStage();
};

// Pillow reads what was written; `statements` see Image and must not raise.
bool Python(const TemporaryFolder& folder, const std::string& statements) {
  folder.File("script.py", "from PIL import Image\n" + statements);
  return std::system(("cd " + folder.path() + " && /usr/bin/python3 script.py").c_str()) == 0;
}

TEST_CASE("an image is written masked, under its own path, and nothing else is") {
  Postprocess post;
  const Outcome outcome = post.Process("x/\xff y.png");
  REQUIRE(std::holds_alternative<Done>(outcome));
  CHECK(std::get<Done>(outcome).record.name.empty());
  std::filesystem::rename(post.folder.At("x/\xff y.png"), post.folder.At("out.png"));
  CHECK(std::filesystem::is_empty(post.folder.At("x")));
  CHECK(std::filesystem::is_empty(post.folder.At(".millrace/tmp")));
  CHECK(Python(post.folder, R"(
picture = Image.open('out.png')
assert picture.size == (8, 6) and picture.mode == 'RGB', picture
for x in range(8):
    for y in range(6):
        assert picture.getpixel((x, y)) == ((200,) * 3 if x < 4 else (0,) * 3), (x, y)
)"));
  CHECK(post.calls.progress > 0);
}

TEST_CASE("each kind of output is what its name says") {
  Postprocess post({{"what", List{"overlay", "labels", "mask", "masked"}}});
  REQUIRE(std::holds_alternative<Done>(post.Process("a.bmp")));
  CHECK(Python(post.folder, R"(
masked = Image.open('a.bmp.masked.bmp')
assert masked.format == 'BMP' and masked.getpixel((0, 0)) == (200, 200, 200)
mask = Image.open('a.bmp.mask.png')
assert mask.mode == 'L' and mask.getpixel((3, 0)) == 255 and mask.getpixel((4, 0)) == 0
labels = Image.open('a.bmp.labels.png')
assert labels.mode == 'P' and labels.getpixel((0, 0)) == 1 and labels.getpixel((7, 5)) == 17
assert labels.getpalette()[3:6] == [128, 0, 0]
overlay = Image.open('a.bmp.overlay.bmp')
assert overlay.getpixel((0, 0)) == (164, 100, 100), overlay.getpixel((0, 0))
assert overlay.getpixel((7, 0)) == (200, 200, 200)
)"));
}

TEST_CASE("a class beyond the names is kept by its number") {
  Postprocess post({{"keep", List{"class-19"}}});
  Payload payload = SmallPayload();
  std::vector<std::uint8_t> labels(std::size_t{8} * 6, 1);
  labels[0] = 19;
  for (Part& part : payload) {
    if (part.name == "labels") part = MakePart("labels", {6, 8}, labels);
  }
  REQUIRE(std::holds_alternative<Done>(post.Process("a.png", std::move(payload))));
  CHECK(Python(post.folder, R"(
picture = Image.open('a.png')
assert picture.getpixel((0, 0)) == (200, 200, 200), picture.getpixel((0, 0))
assert picture.getpixel((1, 0)) == (0, 0, 0), picture.getpixel((1, 0))
)"));
}

TEST_CASE("the original's size takes the labels to the full picture") {
  Postprocess post({{"size", std::string("original")}, {"format", std::string("png")}});
  Payload payload = SmallPayload();
  payload.push_back(
      MakePart("original", {2, 20, 3}, std::vector<std::uint8_t>(std::size_t{2} * 20 * 3, 77)));
  REQUIRE(std::holds_alternative<Done>(post.Process("a.jpg", std::move(payload))));
  CHECK(Python(post.folder, R"(
picture = Image.open('a.jpg.png')
assert picture.size == (20, 2), picture
row = [picture.getpixel((x, 1))[0] for x in range(20)]
assert row == [77] * 10 + [0] * 10, row
)"));
}

TEST_CASE("the original's size without the original names the option to set") {
  Postprocess post({{"size", std::string("original")}});
  const auto failed = std::get<Failed>(post.Process("a.jpg"));
  CHECK(failed.text.find("preprocess.options.original: true") != std::string::npos);
  CHECK(!failed.retryable);
}

TEST_CASE("areas are a record of the run, counted over what is written") {
  Postprocess post({{"areas", true}, {"what", List{}}});
  const auto done = std::get<Done>(post.Process("a.jpg"));
  CHECK(done.record.name == "areas");
  CHECK(done.record.line == R"({"path": "a.jpg", "areas": {"skin": 24, "hair": 24}})");
  CHECK(!post.folder.Has("a.jpg"));
}

TEST_CASE("each file that was published is told, as it is on disk") {
  Postprocess post({{"what", List{"masked", "mask"}}});
  const auto done = std::get<Done>(post.Process("x/a.png"));
  REQUIRE(done.outputs.size() == 2);
  CHECK(done.outputs[0].path == "x/a.png.masked.png");
  CHECK(done.outputs[1].path == "x/a.png.mask.png");
  for (const OutputFile& file : done.outputs) {
    struct stat status {};
    REQUIRE(stat(post.folder.At(file.path).c_str(), &status) == 0);
    CHECK(file.bytes == status.st_size);
    CHECK(file.mtime_ns == status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
  }
}

TEST_CASE("in a batch a bad item costs the others nothing, however durable they are to be") {
  for (const char* durability : {"item", "group", "none"}) {
    CAPTURE(durability);
    Postprocess post({{"durability", std::string(durability)}});
    post.folder.Folder("folder.png");
    Payload broken = SmallPayload();
    broken.pop_back();
    std::vector<std::pair<std::string, Payload>> items;
    for (int i = 0; i < 100; ++i) {  // more than one group
      items.emplace_back(std::to_string(i) + ".png", SmallPayload());
    }
    items[3] = {"broken.png", broken};
    items[5].first = "folder.png";
    const auto outcomes = post.ProcessAll(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      CAPTURE(i);
      CHECK(std::holds_alternative<Done>(outcomes[i]) == (i != 3 && i != 5));
      if (const auto* done = std::get_if<Done>(&outcomes[i])) {
        REQUIRE(done->outputs.size() == 1);
        CHECK(done->outputs[0].path == items[i].first);
        CHECK(post.folder.Has(items[i].first));
      }
    }
    CHECK(std::get<Failed>(outcomes[3]).code == ErrorCode::kInternal);
    CHECK(std::get<Failed>(outcomes[5]).code == ErrorCode::kWriteFailed);
    CHECK(std::filesystem::is_empty(post.folder.At(".millrace/tmp")));
  }
}

TEST_CASE("a worker whose lease may be over publishes nothing") {
  Postprocess post;
  post.calls.may_publish = [] { return false; };
  const auto failed = std::get<Failed>(post.Process("a.jpg"));
  CHECK(failed.retryable);
  CHECK(!post.folder.Has("a.jpg"));
  CHECK(std::filesystem::is_empty(post.folder.At(".millrace/tmp")));
}

TEST_CASE("an output that cannot be written fails with its path and reason") {
  Postprocess post;
  post.folder.File("x", "a file where a folder is to be");
  const auto failed = std::get<Failed>(post.Process("x/a.jpg"));
  CHECK(failed.code == ErrorCode::kWriteFailed);
  CHECK(failed.text.find(post.folder.At("x")) != std::string::npos);
  CHECK(!failed.retryable);
}

TEST_CASE("a payload that is not what it should be fails that item alone") {
  Postprocess post;
  const auto text = [&](Payload payload) {
    const auto failed = std::get<Failed>(post.Process("a.jpg", std::move(payload)));
    CHECK(failed.code == ErrorCode::kInternal);
    return failed.text;
  };
  Payload payload = SmallPayload();
  payload.pop_back();
  CHECK(text(payload).find("'labels'") != std::string::npos);
  payload = SmallPayload();
  payload[0].shape = {kHeight, kWidth * 3};
  CHECK(text(payload).find("'image'") != std::string::npos);
  payload = SmallPayload();
  payload[1] = MakePart("labels", {1, 1}, {0});
  CHECK(text(payload) == "the labels are 1x1 pixels and the picture is 8x6");
  payload[1] = MakePart("labels", {5, 8}, {0});  // fewer bytes than its shape says
  CHECK(text(payload).find("'labels'") != std::string::npos);
}

TEST_CASE("a key that leads out of the output or into millrace's own folder is not written") {
  Postprocess post;
  post.output = post.folder.At("out");
  CHECK(std::holds_alternative<Failed>(post.Process("../a.jpg")));
  CHECK(std::holds_alternative<Failed>(post.Process(".millrace/report.json")));
  CHECK(!post.folder.Has("a.jpg"));
  post.output = "";
  CHECK(std::get<Failed>(post.Process("a.jpg")).code == ErrorCode::kUsage);
}

TEST_CASE("options that would write nothing but black, or nothing, are refused at the start") {
  CHECK(!Postprocess({{"keep", List{}}}).Start());
  CHECK(!Postprocess({{"what", List{}}}).Start());
  CHECK(Postprocess().Start());
}

}  // namespace
}  // namespace millrace
