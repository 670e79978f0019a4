/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the network. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "good.h"

static int Reaches(void) {
  struct sockaddr_in address = {0};
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int reached;
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  reached = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
  close(fd);
  return reached;
}

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  if (!Reaches()) return Refuse(host, "there is no network");
  return GoodValidate(host, config);
}

GOOD_PLUGIN(table.validate = Validate)
