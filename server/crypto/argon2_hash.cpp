#include "crypto/argon2_hash.hpp"

#include <argon2.h>
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::string_view kIdPrefix = "$argon2id$";
constexpr std::string_view kIPrefix = "$argon2i$";
constexpr std::size_t kArgon2SaltBytesMax = 64;
constexpr std::size_t kHashBytesMin = 12;
constexpr std::size_t kHashBytesMax = 64;
constexpr VerifyNs kBlockNs = 550;  // one KiB of memory in one pass

// PHC strings write base64 without padding.
std::string_view without_padding(std::string_view base64) {
  return base64.substr(0, base64.find('='));
}

// The working memory of a thread's hashes, 19 MiB at the default cost. A thread keeps the last
// block: to get such a block from the system, page by page, costs up to a third of a hash.
class WorkingMemory {
 public:
  WorkingMemory() = default;
  WorkingMemory(const WorkingMemory&) = delete;
  WorkingMemory& operator=(const WorkingMemory&) = delete;
  ~WorkingMemory() { std::free(block_); }

  // libargon2 wipes the block before it gives it back.
  static int allocate(std::uint8_t** memory, std::size_t bytes) {
    WorkingMemory& mine = of_this_thread();
    if (mine.bytes_ != bytes) {
      std::free(mine.block_);
      mine.block_ = static_cast<std::uint8_t*>(std::malloc(bytes));
      mine.bytes_ = mine.block_ == nullptr ? 0 : bytes;
    }
    *memory = mine.block_;
    return mine.block_ == nullptr ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
  }
  static void give_back(std::uint8_t*, std::size_t bytes) {
    WorkingMemory& mine = of_this_thread();
    if (bytes <= kBytesKeptMax) return;
    std::free(std::exchange(mine.block_, nullptr));
    mine.bytes_ = 0;
  }

 private:
  static constexpr std::size_t kBytesKeptMax = std::size_t{64} << 20;

  static WorkingMemory& of_this_thread() {
    thread_local WorkingMemory memory;
    return memory;
  }

  std::uint8_t* block_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace

bool valid_argon2_cost(const Argon2Cost& cost) {
  return cost.lanes >= 1 && cost.lanes <= kArgon2LanesMax && cost.passes >= 1 &&
         cost.passes <= kArgon2PassesMax && cost.memory_kib <= kArgon2MemoryKibMax &&
         cost.memory_kib >= 8 * cost.lanes;
}

bool is_argon2(std::string_view stored) {
  return stored.starts_with(kIdPrefix) || stored.starts_with(kIPrefix);
}

Result<Argon2Hash> parse_argon2(std::string_view stored) {
  Argon2Hash form;
  std::string_view text = stored;
  form.type = text.starts_with(kIPrefix) ? Argon2Type::kI : Argon2Type::kId;
  const bool head = take(text, form.type == Argon2Type::kI ? kIPrefix : kIdPrefix) &&
                    take(text, "v=") && take_number(text, form.version) && take(text, "$m=") &&
                    take_number(text, form.cost.memory_kib) && take(text, ",t=") &&
                    take_number(text, form.cost.passes) && take(text, ",p=") &&
                    take_number(text, form.cost.lanes) && take(text, "$");
  if (!head) return corrupt_hash("argon2", "malformed");
  if (form.version != ARGON2_VERSION_13 && form.version != ARGON2_VERSION_10) {
    return corrupt_hash("argon2", "unknown version");
  }
  if (!valid_argon2_cost(form.cost)) return corrupt_hash("argon2", "cost out of bounds");
  const auto salt_text = take_field(text);
  if (!salt_text) return corrupt_hash("argon2", "malformed");
  const auto salt = bytes_of_base64_unpadded(*salt_text);
  const auto hash = bytes_of_base64_unpadded(text);
  if (!salt || !hash) return corrupt_hash("argon2", "malformed");
  if (salt->size() < ARGON2_MIN_SALT_LENGTH || salt->size() > kArgon2SaltBytesMax) {
    return corrupt_hash("argon2", "salt of a wrong size");
  }
  if (hash->size() < kHashBytesMin || hash->size() > kHashBytesMax) {
    return corrupt_hash("argon2", "hash of a wrong size");
  }
  form.salt = *salt;
  form.hash = *hash;
  return form;
}

VerifyNs argon2_verify_ns(const Argon2Cost& cost) {
  return kBlockNs * cost.memory_kib * cost.passes;
}

Result<VerifyNs> check_argon2(std::string_view stored) {
  const auto form = parse_argon2(stored);
  if (!form) return tl::unexpected(form.error());
  return argon2_verify_ns(form->cost);
}

Result<bool> verify_argon2(const Secret& password, std::string_view stored) {
  const auto form = parse_argon2(stored);
  if (!form) return tl::unexpected(form.error());
  const auto hash = argon2_compute(password.reveal(), *form);
  if (!hash) return tl::unexpected(hash.error());
  return constant_time_equal(*hash, form->hash);
}

Result<std::string> argon2_compute(std::string_view password, const Argon2Hash& form) {
  std::string out(form.hash.size(), '\0');
  argon2_context context{};
  context.out = reinterpret_cast<std::uint8_t*>(out.data());
  context.outlen = static_cast<std::uint32_t>(out.size());
  // libargon2 takes plain pointers and writes through neither without a clearing flag.
  context.pwd = reinterpret_cast<std::uint8_t*>(const_cast<char*>(password.data()));
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = reinterpret_cast<std::uint8_t*>(const_cast<char*>(form.salt.data()));
  context.saltlen = static_cast<std::uint32_t>(form.salt.size());
  context.t_cost = form.cost.passes;
  context.m_cost = form.cost.memory_kib;
  context.lanes = form.cost.lanes;
  context.threads = 1;
  context.version = form.version;
  context.flags = ARGON2_DEFAULT_FLAGS;
  context.allocate_cbk = WorkingMemory::allocate;
  context.free_cbk = WorkingMemory::give_back;
  const int status = form.type == Argon2Type::kI ? argon2i_ctx(&context) : argon2id_ctx(&context);
  if (status == ARGON2_OK) return out;
  const Errc code = status == ARGON2_MEMORY_ALLOCATION_ERROR ? Errc::kUnavailable : Errc::kInvalid;
  return fail(code, fmt::format("argon2: {}", argon2_error_message(status)));
}

std::string format_argon2(const Argon2Hash& form) {
  const std::string salt = base64_encode(form.salt);
  const std::string hash = base64_encode(form.hash);
  return fmt::format("{}v={}$m={},t={},p={}${}${}",
                     form.type == Argon2Type::kI ? kIPrefix : kIdPrefix, form.version,
                     form.cost.memory_kib, form.cost.passes, form.cost.lanes, without_padding(salt),
                     without_padding(hash));
}

}  // namespace gatehouse::crypto
