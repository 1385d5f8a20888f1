/** Preparing a corpus as an Apache Spark job. */
package org.mixtureofmamba.spark;
