// SPDX-License-Identifier: Apache-2.0
package pretzel;

import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests;
import org.junit.jupiter.api.AfterEach;

/** The kit's cases as published, those of nested namespaces with them: a playground has these, and the kit no property for them. */
public class CatalogTests extends RESTCompatibilityKitCatalogTests {
  @Override
  protected boolean supportsNestedNamespaces() {
    return true;
  }

  /** Between two cases the kit removes the namespaces of the others, but not that of these two. */
  @AfterEach
  void removeNestedNamespaces() {
    Namespace parent = Namespace.of("parent");
    if (catalog().namespaceExists(parent)) {
      catalog().listNamespaces(parent).forEach(catalog()::dropNamespace);
      catalog().dropNamespace(parent);
    }
  }
}
