// SPDX-License-Identifier: Apache-2.0
#include "session_pool.h"

#include <gtest/gtest.h>

namespace dcp::spark_connect {
namespace {

class Pool : public testing::Test {
 protected:
  static MountSpec Mount(std::string key, int64_t expires = 0) {
    return {"prod", "http://127.0.0.1:1", "token", expires, std::move(key)};
  }
  std::shared_ptr<Session> Get(const MountSpec& mount) { return pool_.Acquire({mount}, &reused_); }

  int64_t now_ = 1'000'000;
  std::vector<std::string> released_;
  SessionPool pool_{4, 1000, [this] { return now_; },
                    [this](const Session& s) { released_.push_back(s.session_id); }};
  bool reused_ = false;
};

TEST_F(Pool, SharesByKeyOnly) {
  const auto first = Get(Mount("a"));
  EXPECT_FALSE(reused_);
  EXPECT_EQ(Get(Mount("a")), first);
  EXPECT_TRUE(reused_);
  EXPECT_NE(Get(Mount("b"))->user_id, first->user_id);
  EXPECT_NE(Get(Mount(""))->session_id, Get(Mount(""))->session_id);
}

TEST_F(Pool, NoSessionOutlivesItsToken) {
  const std::string id = Get(Mount("a", now_ + kTokenMarginMs + 10))->session_id;
  now_ += 9;
  EXPECT_EQ(Get(Mount("a"))->session_id, id);
  now_ += 1;
  EXPECT_NE(Get(Mount("a", now_ + 10 * kTokenMarginMs))->session_id, id);
  EXPECT_EQ(released_, std::vector<std::string>{id});
}

TEST_F(Pool, IdleSessionsGoAndUsedOnesStay) {
  const auto used = Get(Mount("used"));
  const std::string idle = Get(Mount("idle"))->session_id;
  now_ += 1000;
  (void)Get(Mount("other"));
  EXPECT_EQ(released_, std::vector<std::string>{idle});
  EXPECT_EQ(Get(Mount("used")), used);
}

TEST_F(Pool, TheLeastRecentlyUsedMakesRoom) {
  std::vector<std::string> ids;
  for (const char* key : {"a", "b", "c", "d"}) {
    ids.push_back(Get(Mount(key))->session_id);
    ++now_;
  }
  (void)Get(Mount("a"));
  EXPECT_TRUE(released_.empty());
  ++now_;
  (void)Get(Mount("e"));
  EXPECT_EQ(released_, std::vector<std::string>{ids[1]});
  EXPECT_EQ(pool_.size(), 4U);
}

TEST_F(Pool, ADroppedSessionIsNotHandedOutAgain) {
  const auto lost = Get(Mount("a"));
  pool_.Drop(lost, /*lost=*/true);
  EXPECT_NE(Get(Mount("a")), lost);
  pool_.Drop(lost, /*lost=*/true);  // the new one stays
  EXPECT_EQ(pool_.size(), 1U);
  EXPECT_TRUE(released_.empty());
}

TEST_F(Pool, AFailedSessionIsReleasedByItsLastUser) {
  const auto failed = Get(Mount("a"));
  {
    const auto other = failed;
    pool_.Drop(failed, /*lost=*/false);
    EXPECT_TRUE(released_.empty());
  }
  pool_.Drop(failed, /*lost=*/false);
  EXPECT_EQ(released_, std::vector<std::string>{failed->session_id});
}

TEST(Uuid, HasItsForm) {
  const std::string id = NewUuid();
  ASSERT_EQ(id.size(), 36U);
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_NE(id, NewUuid());
}

}  // namespace
}  // namespace dcp::spark_connect
