# ${page.title}

${page.lead}
<#list page.sections as section>
<#if section.tables?has_content || section.warnings?has_content || section.drawings?has_content || section.verdicts?has_content>

## ${section.heading}
<#list section.warnings as warning>

**${warning}**
</#list>
<#list section.tables as table>

${table.caption}

|<#list table.head as head> ${head} |</#list>
|<#list table.head as head><#if head?is_first>---|<#else>--:|</#if></#list>
<#list table.rows as row>
|<#list row as cell> ${cell.line()} |</#list>
</#list>
</#list>
<#list section.drawings as drawing>
<#if drawing.file != "">

![${drawing.caption}](${drawing.file?no_esc})

${drawing.provenance}
</#if>
</#list>
<#if section.verdicts?has_content>

<#list section.verdicts as verdict>
- ${verdict.word}: ${verdict.text}
</#list>
</#if>
<#list section.notes as note>

${note}
</#list>
</#if>
</#list>
