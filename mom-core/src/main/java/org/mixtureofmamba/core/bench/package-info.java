/** How fast a model trains on a backend. */
package org.mixtureofmamba.core.bench;
