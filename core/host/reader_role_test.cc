// SPDX-License-Identifier: Apache-2.0
//
// The role of the reader passes on, and is never lost.
#include "host/reader_role.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace dcp::host {
namespace {

class ReaderRoleTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(role_.Open().ok()); }
  /// Whether the watcher has been woken since this was asked last.
  bool Woken() {
    pollfd fd{role_.fd(), POLLIN, 0};
    const bool woken = poll(&fd, 1, 0) > 0;
    role_.Seen();
    return woken;
  }
  ReaderRole role_;
};

TEST_F(ReaderRoleTest, TheWatcherHasItUntilItIsOffered) {
  EXPECT_TRUE(role_.Watches(1000));
  EXPECT_FALSE(role_.Take());
  role_.Offer(1000);
  EXPECT_FALSE(role_.Watches(1000));
  EXPECT_TRUE(role_.Take());
  EXPECT_FALSE(role_.Take());
  EXPECT_FALSE(role_.Watches(5000));  // a caller reads, however long
  role_.Release();
  EXPECT_TRUE(role_.Take());
  role_.Release();
  EXPECT_FALSE(Woken());
}

TEST_F(ReaderRoleTest, UnusedItGoesBack) {
  role_.Offer(1000);
  EXPECT_FALSE(role_.Watches(1000 + kRoleMs - 1));
  EXPECT_TRUE(role_.Watches(1000 + kRoleMs));
  role_.Offer(2000);
  ASSERT_TRUE(role_.Take());
  role_.Release();
  EXPECT_FALSE(role_.Watches(2000 + kRoleMs));  // it has been used since
  EXPECT_FALSE(role_.Watches(2000 + 2 * kRoleMs - 1));
  EXPECT_TRUE(role_.Watches(2000 + 2 * kRoleMs));
  EXPECT_FALSE(role_.Take());
}

TEST_F(ReaderRoleTest, GivenBackTheWatcherIsWokenUnlessACallerReads) {
  role_.Offer(1000);
  ASSERT_TRUE(role_.Take());
  role_.ToWatcher();
  EXPECT_FALSE(Woken());
  role_.Release();
  role_.ToWatcher();
  EXPECT_TRUE(Woken());
  EXPECT_TRUE(role_.Watches(1000));
}

TEST_F(ReaderRoleTest, PinnedItStaysWithTheWatcher) {
  role_.Offer(1000);
  ASSERT_TRUE(role_.Take());
  role_.Pin();
  EXPECT_FALSE(Woken());
  role_.Release();
  EXPECT_TRUE(Woken());
  role_.Offer(1000);
  EXPECT_TRUE(role_.Watches(1000));
}

}  // namespace
}  // namespace dcp::host
