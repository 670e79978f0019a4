// SPDX-License-Identifier: Apache-2.0
//
// The embedded stack's Iceberg REST catalog: Apache Iceberg's own servlet over its JDBC catalog on SQLite, made safe to run on
// a developer's machine. The stock main listens on every interface and authenticates nobody; this one binds the loopback
// address and answers a request, whatever its path, only when it carries the secret. It is for the embedded stack alone: a
// real set-up brings its own catalog.
//
// Run by the JDK as one source file:  java -cp '.local/jars/catalog/*' stack/catalog/CatalogServer.java
// Everything comes from the environment, so nothing shows in the process list:
//   CATALOG_SECRET_FILE  a file of mode 0600 that holds the secret every request must send as x-pretzel-secret
//   CATALOG_WAREHOUSE    file:///... where tables without a location of their own go
//   CATALOG_DB           the path of the SQLite file
//   CATALOG_NAME         the catalog's name in that file (default "pretzel")
//   CATALOG_PORT         the port; 0 (the default) takes a free one
// When it serves, it prints one line to stdout, "listening 127.0.0.1:PORT". SIGTERM ends it with status 0, a wrong set-up with
// status 2 and one line on stderr.

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.SizeLimitHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

public final class CatalogServer {
  private static final String SECRET_HEADER = "x-pretzel-secret";
  // Long enough that nobody guesses it; the stack writes 32 random bytes in hex.
  private static final int MIN_SECRET_CHARS = 16;
  private static final int MAX_SECRET_BYTES = 4096;
  // The façade and a handful of engines on one machine; requests beyond that queue in the pool.
  private static final int MAX_THREADS = 32;
  // A commit carries metadata, never data: thousands of columns and snapshots stay far below this.
  private static final long MAX_REQUEST_BYTES = 64L * 1024 * 1024;
  private static final long IDLE_TIMEOUT_MS = 60_000;
  // How long a request under way may take once the server was asked to end.
  private static final long STOP_TIMEOUT_MS = 5_000;

  private CatalogServer() {}

  public static void main(String[] args) {
    // Before any class that logs is loaded; the log goes to stderr, and a request is not worth a line.
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    System.setProperty("org.slf4j.simpleLogger.showDateTime", "true");
    System.setProperty("org.slf4j.simpleLogger.dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    // The servlet logs every "no such table" as an error with two stack traces; clients probe for tables all the time.
    // SecretHandler logs what is worth a line: answers of 500 and above.
    System.setProperty("org.slf4j.simpleLogger.log.org.apache.iceberg.rest.RESTCatalogServlet", "off");
    System.setProperty("org.slf4j.simpleLogger.log.org.apache.hadoop.util.NativeCodeLoader", "error");
    try {
      run();
    } catch (SetUpException e) {
      System.err.println("catalog server: " + e.getMessage());
      System.exit(2);
    } catch (Exception e) {
      System.err.println("catalog server: cannot start: " + e);
      System.exit(2);
    }
  }

  private static void run() throws Exception {
    byte[] secretDigest = digest(readSecret(Path.of(required("CATALOG_SECRET_FILE"))));
    String warehouse = required("CATALOG_WAREHOUSE");
    if (!warehouse.startsWith("file:///")) {
      throw new SetUpException("CATALOG_WAREHOUSE is \"" + warehouse + "\"; the embedded catalog serves file:/// only");
    }
    Path db = Path.of(required("CATALOG_DB")).toAbsolutePath();
    createPrivately(db);

    JdbcCatalog catalog = new JdbcCatalog();
    Configuration hadoop = new Configuration(false);
    // Its files are for their owner: a confined process may not let others in.
    hadoop.set("fs.permissions.umask-mode", "077");
    catalog.setConf(hadoop);
    catalog.initialize(
        optional("CATALOG_NAME", "pretzel"),
        Map.of(
            CatalogProperties.URI, "jdbc:sqlite:" + db,
            CatalogProperties.WAREHOUSE_LOCATION, warehouse,
            // One connection: SQLite has one writer, and a second connection would answer "database is locked".
            CatalogProperties.CLIENT_POOL_SIZE, "1",
            "jdbc.schema-version", "V1"));

    Server server = server(new RESTCatalogAdapter(catalog), secretDigest);
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, catalog), "stop"));
    System.out.println("listening 127.0.0.1:" + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
    System.out.flush();
    server.join();
  }

  private static Server server(RESTCatalogAdapter adapter, byte[] secretDigest) throws SetUpException {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    Server server = new Server(new QueuedThreadPool(MAX_THREADS));
    ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
    connector.setHost("127.0.0.1");
    connector.setPort(port(optional("CATALOG_PORT", "0")));
    connector.setIdleTimeout(IDLE_TIMEOUT_MS);
    server.addConnector(connector);

    ServletContextHandler context = new ServletContextHandler("/", ServletContextHandler.NO_SESSIONS);
    context.addServlet(new ServletHolder(new RESTCatalogServlet(adapter)), "/*");
    SizeLimitHandler limited = new SizeLimitHandler(MAX_REQUEST_BYTES, -1);
    limited.setHandler(context);
    server.setHandler(new SecretHandler(limited, secretDigest));
    server.setStopTimeout(STOP_TIMEOUT_MS);
    return server;
  }

  // A signalled JVM would end with 143 even after an orderly stop; a supervisor should see that this one was orderly.
  private static void stop(Server server, JdbcCatalog catalog) {
    int status = 0;
    try {
      server.stop();
      catalog.close();
    } catch (Exception e) {
      System.err.println("catalog server: cannot stop cleanly: " + e);
      status = 1;
    }
    Runtime.getRuntime().halt(status);
  }

  private static String readSecret(Path file) throws SetUpException, IOException {
    if (!Files.isRegularFile(file)) {
      throw new SetUpException("CATALOG_SECRET_FILE \"" + file + "\" is not a file");
    }
    Set<PosixFilePermission> others =
        EnumSet.complementOf(EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
    others.remove(PosixFilePermission.OWNER_EXECUTE);
    others.retainAll(Files.getPosixFilePermissions(file));
    if (!others.isEmpty()) {
      throw new SetUpException("the secret file \"" + file + "\" is open to others; run: chmod 600 " + file);
    }
    if (Files.size(file) > MAX_SECRET_BYTES) {
      throw new SetUpException("the secret file \"" + file + "\" is larger than " + MAX_SECRET_BYTES + " bytes");
    }
    String secret = Files.readString(file).strip();
    if (secret.length() < MIN_SECRET_CHARS) {
      throw new SetUpException(
          "the secret in \"" + file + "\" is shorter than " + MIN_SECRET_CHARS + " characters");
    }
    return secret;
  }

  // SQLite would create it with the umask's mode; the catalog's pointers are the owner's business only.
  private static void createPrivately(Path db) throws IOException {
    Set<PosixFilePermission> mode = PosixFilePermissions.fromString("rw-------");
    try {
      Files.createFile(db, PosixFilePermissions.asFileAttribute(mode));
    } catch (FileAlreadyExistsException e) {
      Files.setPosixFilePermissions(db, mode);
    }
  }

  private static String required(String name) throws SetUpException {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new SetUpException("the environment variable " + name + " is not set");
    }
    return value;
  }

  private static String optional(String name, String fallback) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? fallback : value;
  }

  private static int port(String text) throws SetUpException {
    try {
      int value = Integer.parseInt(text);
      if (value >= 0 && value <= 65535) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Falls through to the one message for both.
    }
    throw new SetUpException("CATALOG_PORT is \"" + text + "\"; it must be a number from 0 to 65535");
  }

  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Lets a request through when it carries the secret; anything else is 401 in Iceberg's error shape. */
  private static final class SecretHandler extends Handler.Wrapper {
    private static final String REFUSAL =
        "{\"error\":{\"message\":\"the header x-pretzel-secret is missing or wrong\","
            + "\"type\":\"NotAuthorizedException\",\"code\":401}}";
    private final byte[] secretDigest;

    SecretHandler(Handler next, byte[] secretDigest) {
      super(next);
      this.secretDigest = secretDigest;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
      String sent = request.getHeaders().get(SECRET_HEADER);
      // Digests have one length, so the comparison tells nothing about the secret's.
      if (sent != null && MessageDigest.isEqual(digest(sent), secretDigest)) {
        Request.addCompletionListener(request, failure -> logFailure(request, response));
        return super.handle(request, response, callback);
      }
      response.setStatus(HttpStatus.UNAUTHORIZED_401);
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
      Content.Sink.write(response, true, REFUSAL, callback);
      return true;
    }
  }

  private static void logFailure(Request request, Response response) {
    if (response.getStatus() >= HttpStatus.INTERNAL_SERVER_ERROR_500) {
      System.err.println(
          "catalog server: " + request.getMethod() + " " + request.getHttpURI().getPath() + " answered "
              + response.getStatus() + "; the answer's body says why");
    }
  }

  private static final class SetUpException extends Exception {
    SetUpException(String message) {
      super(message);
    }
  }
}
