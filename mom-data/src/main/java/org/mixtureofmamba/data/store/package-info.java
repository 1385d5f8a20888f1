/** Files whole or not at all, by key: in a local directory or in an S3-compatible bucket. */
package org.mixtureofmamba.data.store;
